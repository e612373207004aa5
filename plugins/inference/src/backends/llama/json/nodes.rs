//! A shape as a flat list, with what each part costs at least to be written.

use crate::json_shape::JsonShape;

/// Which part of a shape.
pub(super) type NodeId = u16;

/// A part of a shape.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Any,
    Text,
    Number {
        is_integer: bool,
    },
    /// One of these texts, as they are written, quotes and all.
    OneOf(Vec<Vec<u8>>),
    List(NodeId),
    /// Fields: how the name is written, quotes and colon and all, and the value.
    Object(Vec<(Vec<u8>, NodeId)>),
}

/// All parts of a shape, the whole first.
#[derive(Clone, Debug)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
    /// Bytes of the shortest value.
    costs: Vec<usize>,
}

impl Nodes {
    pub(super) fn new(shape: &JsonShape) -> Self {
        let mut nodes = Self {
            nodes: Vec::new(),
            costs: Vec::new(),
        };
        nodes.add(shape);
        nodes
    }

    fn add(&mut self, shape: &JsonShape) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(Node::Any);
        self.costs.push(1);
        let node = match shape {
            JsonShape::Any => Node::Any,
            JsonShape::Text => Node::Text,
            JsonShape::Number => Node::Number { is_integer: false },
            JsonShape::Integer => Node::Number { is_integer: true },
            JsonShape::Boolean => Node::OneOf(vec![b"true".to_vec(), b"false".to_vec()]),
            JsonShape::OneOf(texts) => {
                Node::OneOf(texts.iter().map(|text| written(text)).collect())
            }
            JsonShape::List(item) => Node::List(self.add(item)),
            JsonShape::Object(fields) => {
                let fields = fields.iter().map(|(name, shape)| {
                    let mut name = written(name);
                    name.push(b':');
                    (name, self.add(shape))
                });
                Node::Object(fields.collect())
            }
        };
        self.costs[id] = match &node {
            Node::Any | Node::Number { .. } => 1,
            Node::Text | Node::List(_) => 2,
            Node::OneOf(texts) => texts.iter().map(Vec::len).min().unwrap_or(0),
            Node::Object(fields) => 1 + self.rest_cost(fields, 0).max(1),
        };
        self.nodes[id] = node;
        id as NodeId
    }

    pub(super) fn get(&self, id: NodeId) -> &Node {
        &self.nodes[usize::from(id)]
    }

    /// Bytes of the shortest value of a part.
    pub(super) fn cost(&self, id: NodeId) -> usize {
        self.costs[usize::from(id)]
    }

    /// Bytes of the shortest way to write the fields from `nth` on: a comma or brace after each.
    pub(super) fn rest_cost(&self, fields: &[(Vec<u8>, NodeId)], nth: usize) -> usize {
        let rest = fields[nth..].iter();
        rest.map(|(name, id)| name.len() + self.cost(*id) + 1).sum()
    }

    /// By how much one byte can raise the cost at most.
    pub(super) fn dearest(&self) -> usize {
        self.costs.iter().copied().max().unwrap_or(0).max(5)
    }
}

/// How a text is written in JSON. Marks outside ASCII stand for themselves.
fn written(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}
