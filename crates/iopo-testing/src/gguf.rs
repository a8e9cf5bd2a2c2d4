//! Writes GGUF files, valid ones and ones with wrong headers.

/// A metadata value.
#[derive(Debug, Clone)]
pub enum Value {
    /// An unsigned integer.
    U32(u32),
    /// A number.
    F32(f32),
    /// A string.
    Text(String),
    /// An array of strings.
    Texts(Vec<String>),
    /// An array of integers.
    I32s(Vec<i32>),
    /// A string that claims this length and has no bytes.
    RawString(u64),
    /// An array that claims this type and length and has no items.
    RawArray(u32, u64),
    /// A type without a value.
    RawTag(u32),
}

impl Value {
    /// Creates a string.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// Creates an array of strings.
    pub fn texts(texts: &[&str]) -> Self {
        Self::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    fn write(&self, out: &mut Vec<u8>) {
        let tag = match self {
            Self::U32(_) => 4u32,
            Self::F32(_) => 6,
            Self::Text(_) | Self::RawString(_) => 8,
            Self::Texts(_) | Self::I32s(_) | Self::RawArray(..) => 9,
            Self::RawTag(tag) => *tag,
        };
        out.extend(tag.to_le_bytes());
        match self {
            Self::U32(value) => out.extend(value.to_le_bytes()),
            Self::F32(value) => out.extend(value.to_le_bytes()),
            Self::Text(text) => write_text(out, text),
            Self::Texts(texts) => {
                out.extend(8u32.to_le_bytes());
                out.extend((texts.len() as u64).to_le_bytes());
                for text in texts {
                    write_text(out, text);
                }
            }
            Self::I32s(values) => {
                out.extend(5u32.to_le_bytes());
                out.extend((values.len() as u64).to_le_bytes());
                for value in values {
                    out.extend(value.to_le_bytes());
                }
            }
            Self::RawString(len) => out.extend(len.to_le_bytes()),
            Self::RawArray(kind, len) => {
                out.extend(kind.to_le_bytes());
                out.extend(len.to_le_bytes());
            }
            Self::RawTag(_) => {}
        }
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// A tensor of a file.
#[derive(Debug, Clone)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its dimensions, the innermost first, as in the format.
    pub dims: Vec<u64>,
    /// The number of its type.
    pub kind: u32,
    /// An offset to write instead of the correct one.
    pub offset: Option<u64>,
    data: Vec<u8>,
}

impl Tensor {
    /// Creates an f32 tensor whose values are a function of the flat position. `shape` is row-major.
    pub fn f32(name: &str, shape: &[u64], value: impl Fn(usize) -> f32) -> Self {
        let count = shape.iter().product::<u64>() as usize;
        let data = (0..count).flat_map(|i| value(i).to_le_bytes()).collect();
        Self::new(name, shape, 0, data)
    }

    /// Creates a tensor of any type from its bytes. `shape` is row-major.
    pub fn new(name: &str, shape: &[u64], kind: u32, data: Vec<u8>) -> Self {
        let dims = shape.iter().rev().copied().collect();
        Self { name: name.to_owned(), dims, kind, offset: None, data }
    }
}

/// The contents of a file.
#[derive(Debug, Clone)]
pub struct File {
    /// The version of the format.
    pub version: u32,
    /// A number of tensors to write instead of the correct one.
    pub tensor_count: Option<u64>,
    /// A number of metadata values to write instead of the correct one.
    pub value_count: Option<u64>,
    /// The metadata.
    pub values: Vec<(String, Value)>,
    /// The tensors.
    pub tensors: Vec<Tensor>,
}

impl File {
    /// Sets a metadata value.
    pub fn set(&mut self, key: &str, value: Value) {
        self.unset(key);
        self.values.push((key.to_owned(), value));
    }

    /// Removes a metadata value.
    pub fn unset(&mut self, key: &str) {
        self.values.retain(|(other, _)| other != key);
    }

    fn header(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend(self.tensor_count.unwrap_or(self.tensors.len() as u64).to_le_bytes());
        out.extend(self.value_count.unwrap_or(self.values.len() as u64).to_le_bytes());
        for (key, value) in &self.values {
            write_text(&mut out, key);
            value.write(&mut out);
        }
        let mut offset = 0;
        for tensor in &self.tensors {
            write_text(&mut out, &tensor.name);
            out.extend((tensor.dims.len() as u32).to_le_bytes());
            for dim in &tensor.dims {
                out.extend(dim.to_le_bytes());
            }
            out.extend(tensor.kind.to_le_bytes());
            out.extend(tensor.offset.unwrap_or(offset).to_le_bytes());
            offset = (offset + tensor.data.len() as u64).next_multiple_of(32);
        }
        out
    }

    /// Returns the length of the header in bytes.
    pub fn header_len(&self) -> usize {
        self.header().len()
    }

    /// Returns the bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = self.header();
        for tensor in &self.tensors {
            out.resize(out.len().next_multiple_of(32), 0);
            out.extend(&tensor.data);
        }
        out
    }
}

/// Returns a valid Llama model with one layer, width 32, two heads of 16, one key head and four tokens.
pub fn valid() -> File {
    model("llama", "smollm")
}

/// Returns the same model as Qwen2, with biases.
pub fn qwen2() -> File {
    let mut file = model("qwen2", "qwen2");
    for (name, rows) in [("attn_q", 32), ("attn_k", 16), ("attn_v", 16)] {
        file.tensors.push(Tensor::f32(&format!("blk.0.{name}.bias"), &[rows], |i| i as f32));
    }
    file
}

fn model(architecture: &str, pre: &str) -> File {
    let sizes = [
        ("block_count", 1),
        ("context_length", 64),
        ("embedding_length", 32),
        ("feed_forward_length", 32),
        ("attention.head_count", 2),
        ("attention.head_count_kv", 1),
        ("rope.dimension_count", 16),
    ];
    let mut values = vec![("general.architecture".to_owned(), Value::text(architecture))];
    values.extend(sizes.map(|(key, size)| (format!("{architecture}.{key}"), Value::U32(size))));
    let tokens = Value::texts(&["a", "b", "ab", "<|im_end|>"]);
    let template = "{% for m in messages %}{{ m.content + eos_token }}{% endfor %}";
    values.extend([
        (format!("{architecture}.attention.layer_norm_rms_epsilon"), Value::F32(1e-5)),
        ("tokenizer.ggml.model".to_owned(), Value::text("gpt2")),
        ("tokenizer.ggml.pre".to_owned(), Value::text(pre)),
        ("tokenizer.ggml.tokens".to_owned(), tokens),
        ("tokenizer.ggml.token_type".to_owned(), Value::I32s(vec![1, 1, 1, 3])),
        ("tokenizer.ggml.merges".to_owned(), Value::texts(&["a b"])),
        ("tokenizer.ggml.eos_token_id".to_owned(), Value::U32(3)),
        ("tokenizer.chat_template".to_owned(), Value::text(template)),
    ]);

    // d = 0.25, m = -1, low nibbles 0, high nibbles 1.
    let q4_1_row = [&[0x00, 0x34, 0x00, 0xbc][..], &[0x10; 16]].concat();
    // d = 0.5, q = 2: ones.
    let q8_0_row = [&[0x00, 0x38][..], &[2; 32]].concat();
    let rows = |row: &[u8], count: usize| row.repeat(count);
    let tensors = vec![
        Tensor::new("token_embd.weight", &[4, 32], 8, rows(&q8_0_row, 4)),
        Tensor::f32("output_norm.weight", &[32], |_| 1.0),
        Tensor::f32("blk.0.attn_norm.weight", &[32], |_| 1.0),
        Tensor::f32("blk.0.ffn_norm.weight", &[32], |_| 1.0),
        Tensor::f32("blk.0.attn_q.weight", &[32, 32], |i| (i / 32) as f32),
        Tensor::f32("blk.0.attn_k.weight", &[16, 32], |i| (i / 32) as f32),
        Tensor::new("blk.0.attn_v.weight", &[16, 32], 1, [0x00, 0x3c].repeat(16 * 32)),
        Tensor::new("blk.0.attn_output.weight", &[32, 32], 3, rows(&q4_1_row, 32)),
        Tensor::new("blk.0.ffn_gate.weight", &[32, 32], 3, rows(&q4_1_row, 32)),
        Tensor::new("blk.0.ffn_up.weight", &[32, 32], 3, rows(&q4_1_row, 32)),
        Tensor::new("blk.0.ffn_down.weight", &[32, 32], 3, rows(&q4_1_row, 32)),
    ];
    File { version: 3, tensor_count: None, value_count: None, values, tensors }
}
