//! The seven linear layers of a decoder layer, by name.

use crate::config::ModelConfig;
use crate::layer::DecoderLayer;
use crate::linear::Projection;

/// One of the seven linear layers of a decoder layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinearLayer {
    Query,
    Key,
    Value,
    Output,
    Gate,
    Up,
    Down,
}

impl LinearLayer {
    /// All seven layers.
    pub(crate) const ALL: [Self; 7] =
        [Self::Query, Self::Key, Self::Value, Self::Output, Self::Gate, Self::Up, Self::Down];

    /// Returns the name in Hugging Face checkpoints, for instance `q_proj`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Query => "q_proj",
            Self::Key => "k_proj",
            Self::Value => "v_proj",
            Self::Output => "o_proj",
            Self::Gate => "gate_proj",
            Self::Up => "up_proj",
            Self::Down => "down_proj",
        }
    }

    /// Returns the name of the block that holds the layer in Hugging Face checkpoints.
    pub(crate) const fn block(self) -> &'static str {
        match self {
            Self::Query | Self::Key | Self::Value | Self::Output => "self_attn",
            Self::Gate | Self::Up | Self::Down => "mlp",
        }
    }

    /// Returns the name within all layers of a model, for instance `model.layers.0.self_attn.q_proj`.
    pub(crate) fn path(self, layer: usize) -> String {
        format!("model.layers.{layer}.{}.{}", self.block(), self.name())
    }

    /// Returns whether the layer has a bias in a model with `qkv_bias`.
    pub(crate) const fn is_biased(self) -> bool {
        match self {
            Self::Query | Self::Key | Self::Value => true,
            Self::Output | Self::Gate | Self::Up | Self::Down => false,
        }
    }
}

impl ModelConfig {
    /// Returns the paths of the linear layers, for instance `model.layers.0.self_attn.q_proj`. An adapter changes some of
    /// them.
    pub fn linear_layers(&self) -> Vec<String> {
        (0..self.num_hidden_layers)
            .flat_map(|layer| LinearLayer::ALL.map(|linear| linear.path(layer)))
            .collect()
    }
}

/// One value per linear layer of a decoder layer, named as the fields of [`DecoderLayer`] and its feed-forward block.
///
/// The fields are named so that no code depends on an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PerProjection<T> {
    pub(crate) q: T,
    pub(crate) k: T,
    pub(crate) v: T,
    pub(crate) o: T,
    pub(crate) gate: T,
    pub(crate) up: T,
    pub(crate) down: T,
}

impl<T> PerProjection<T> {
    /// Creates a value for each layer, or returns the first error.
    pub(crate) fn try_from_fn<E>(
        mut value: impl FnMut(LinearLayer) -> Result<T, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            q: value(LinearLayer::Query)?,
            k: value(LinearLayer::Key)?,
            v: value(LinearLayer::Value)?,
            o: value(LinearLayer::Output)?,
            gate: value(LinearLayer::Gate)?,
            up: value(LinearLayer::Up)?,
            down: value(LinearLayer::Down)?,
        })
    }

    /// Pairs each value with its layer.
    pub(crate) fn named(self) -> PerProjection<(LinearLayer, T)> {
        PerProjection {
            q: (LinearLayer::Query, self.q),
            k: (LinearLayer::Key, self.k),
            v: (LinearLayer::Value, self.v),
            o: (LinearLayer::Output, self.o),
            gate: (LinearLayer::Gate, self.gate),
            up: (LinearLayer::Up, self.up),
            down: (LinearLayer::Down, self.down),
        }
    }

    /// Applies `f` to each value, or returns the first error.
    pub(crate) fn try_map<U, E>(
        self,
        mut f: impl FnMut(T) -> Result<U, E>,
    ) -> Result<PerProjection<U>, E> {
        Ok(PerProjection {
            q: f(self.q)?,
            k: f(self.k)?,
            v: f(self.v)?,
            o: f(self.o)?,
            gate: f(self.gate)?,
            up: f(self.up)?,
            down: f(self.down)?,
        })
    }
}

impl<T> IntoIterator for PerProjection<T> {
    type Item = (LinearLayer, T);
    type IntoIter = std::array::IntoIter<(LinearLayer, T), 7>;

    fn into_iter(self) -> Self::IntoIter {
        let PerProjection { q, k, v, o, gate, up, down } = self.named();
        [q, k, v, o, gate, up, down].into_iter()
    }
}

impl DecoderLayer {
    /// Borrows the linear layers.
    pub(crate) fn projections(&self) -> PerProjection<&Projection> {
        PerProjection {
            q: &self.q,
            k: &self.k,
            v: &self.v,
            o: &self.o,
            gate: &self.mlp.gate,
            up: &self.mlp.up,
            down: &self.mlp.down,
        }
    }

    /// Borrows the linear layers to change them.
    pub(crate) fn projections_mut(&mut self) -> PerProjection<&mut Projection> {
        PerProjection {
            q: &mut self.q,
            k: &mut self.k,
            v: &mut self.v,
            o: &mut self.o,
            gate: &mut self.mlp.gate,
            up: &mut self.mlp.up,
            down: &mut self.mlp.down,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LinearLayer, PerProjection};

    #[test]
    fn every_field_belongs_to_the_layer_of_its_name() {
        let made = PerProjection::try_from_fn(|layer| Ok::<_, ()>(layer.name())).expect("made");
        let PerProjection { q, k, v, o, gate, up, down } = made;
        assert_eq!((q, k, v, o), ("q_proj", "k_proj", "v_proj", "o_proj"));
        assert_eq!((gate, up, down), ("gate_proj", "up_proj", "down_proj"));
        let listed: Vec<LinearLayer> = made.into_iter().map(|(layer, _)| layer).collect();
        assert_eq!(listed, LinearLayer::ALL);
        assert!(made.into_iter().all(|(layer, name)| layer.name() == name));
    }

    #[test]
    fn the_first_error_is_returned() {
        let failed = PerProjection::<()>::try_from_fn(|layer| match layer {
            LinearLayer::Query => Ok(()),
            other => Err(other),
        });
        assert_eq!(failed, Err(LinearLayer::Key));
    }

    #[test]
    fn paths_are_those_of_hugging_face() {
        assert_eq!(LinearLayer::Value.path(3), "model.layers.3.self_attn.v_proj");
        assert_eq!(LinearLayer::Up.path(0), "model.layers.0.mlp.up_proj");
    }
}
