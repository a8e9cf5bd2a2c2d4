//! Numbers in digits, English words and Chinese numerals.

/// English number words with their values.
const ENGLISH: &[(&str, usize)] = &[
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("fifteen", 15),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
];

/// The number at the start of a text and its length in bytes.
pub(super) fn leading(text: &str) -> Option<(usize, usize)> {
    digits(text).or_else(|| chinese(text)).or_else(|| english(text))
}

/// The number that a text consists of.
pub(super) fn whole(text: &str) -> Option<usize> {
    let text = text.trim();
    leading(text).filter(|(_, len)| *len == text.len()).map(|(number, _)| number)
}

/// "200", "1,000".
fn digits(text: &str) -> Option<(usize, usize)> {
    let mut len = text.bytes().take_while(u8::is_ascii_digit).count();
    if len == 0 || len > 6 {
        return None;
    }
    let group = |rest: &str| {
        let digits = rest.strip_prefix(',')?;
        let count = digits.bytes().take_while(u8::is_ascii_digit).count();
        (count == 3).then_some(())
    };
    if len <= 3 && group(&text[len..]).is_some() {
        len += 4;
    }
    let decimal = text[len..]
        .strip_prefix('.')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if decimal {
        return None;
    }
    let number = text[..len].replace(',', "").parse().ok()?;
    Some((number, len))
}

fn english(text: &str) -> Option<(usize, usize)> {
    let len = text.bytes().take_while(u8::is_ascii_lowercase).count();
    let (_, number) = ENGLISH.iter().find(|(word, _)| *word == &text[..len])?;
    Some((*number, len))
}

/// The value of one character of a Chinese numeral below ten.
fn unit(c: char) -> Option<usize> {
    Some(match c {
        '一' => 1,
        '二' | '两' | '兩' => 2,
        '三' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        _ => return None,
    })
}

/// A Chinese numeral such as 十五, 一百二十 or 两千. `None` for sequences of digits such as 二三, which mean a range.
fn chinese(text: &str) -> Option<(usize, usize)> {
    let (mut total, mut len) = (0, 0);
    // The digit that waits for its power, and the power that must still come down.
    let mut waiting: Option<usize> = None;
    let mut power = usize::MAX;
    let mut zero = false;
    for c in text.chars() {
        let scale = match c {
            '十' => 10,
            '百' => 100,
            '千' => 1000,
            '万' | '萬' => 10_000,
            '零' if waiting.is_none() && total > 0 => {
                zero = true;
                len += c.len_utf8();
                continue;
            }
            _ => {
                let Some(digit) = unit(c) else { break };
                if waiting.is_some() {
                    return None;
                }
                waiting = Some(digit);
                len += c.len_utf8();
                continue;
            }
        };
        let digit = match waiting.take() {
            Some(digit) => digit,
            None if scale == 10 && total == 0 => 1,
            None => return None,
        };
        if scale >= power {
            return None;
        }
        power = scale;
        total += digit * scale;
        len += c.len_utf8();
    }
    // 一百二 means 120, which few read alike.
    if waiting.is_some() && power > 10 && power < usize::MAX && !zero {
        return None;
    }
    let number = total + waiting.unwrap_or(0);
    (number > 0).then_some((number, len))
}

#[cfg(test)]
mod tests {
    use super::leading;

    #[test]
    fn numbers_are_read_in_three_notations() {
        let read = |text: &str| leading(text).map(|(number, _)| number);
        for (text, number) in [
            ("200 words", 200),
            ("1,000 words", 1000),
            ("1500,", 1500),
            ("three items", 3),
            ("两个", 2),
            ("十五", 15),
            ("二十", 20),
            ("一百二十", 120),
            ("一百零五", 105),
            ("两千", 2000),
            ("三千五百", 3500),
        ] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in ["words", "二三", "一百二", "1.5", "百", "1234567", "threes"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(leading("一百二十字"), Some((120, "一百二十".len())));
    }
}
