//! Reads JSON byte by byte, with a stack of what is still open.
//!
//! It is stricter than JSON, so that every text comes to an end and is read alike everywhere: one
//! space at most, after a colon or a comma; numbers of at most 17 digits, exponents of two; texts in
//! valid UTF-8 with short escapes only.

use super::nodes::{Node, NodeId, Nodes};

/// Most things that are open at once.
const MOST_OPEN: usize = 16;
/// Most digits of a number, and of its exponent.
const MOST_DIGITS: u8 = 17;
const MOST_EXPONENT_DIGITS: u8 = 2;

/// Something that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Frame {
    /// A value comes; maybe a space before it.
    Value {
        node: NodeId,
        space: bool,
    },
    /// Any value comes; maybe a space before it.
    Any {
        space: bool,
    },
    /// Inside a text.
    Text(TextState),
    Number {
        state: NumberState,
        digits: u8,
        is_integer: bool,
    },
    /// A word of JSON, so far read.
    Word {
        word: Word,
        at: u8,
    },
    /// Some texts that begin with what was read.
    OneOf {
        node: NodeId,
        at: u16,
        left: u64,
    },
    /// A field's name, maybe a space before it.
    Name {
        node: NodeId,
        nth: u16,
        at: u16,
        space: bool,
    },
    /// After a field's value.
    AfterField {
        node: NodeId,
        nth: u16,
    },
    /// After the opening bracket.
    ListStart {
        node: Option<NodeId>,
    },
    AfterItem {
        node: Option<NodeId>,
    },
    /// After the opening brace of any object.
    AnyStart,
    /// Before the name of a field of any object; maybe a space before it.
    AnyName {
        space: bool,
    },
    /// Before the colon.
    AnyColon,
    AfterAny,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum TextState {
    Plain,
    Escape,
    /// Inside a character: how many bytes are to come, and between which the next one is.
    Character {
        left: u8,
        low: u8,
        high: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum NumberState {
    Sign,
    Zero,
    Digits,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    True,
    False,
    Null,
}

impl Word {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::True => b"true",
            Self::False => b"false",
            Self::Null => b"null",
        }
    }
}

/// What has been read so far, as far as it matters for what may follow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Machine {
    open: [Frame; MOST_OPEN],
    n_open: usize,
}

impl Machine {
    /// Before a value of the whole shape.
    pub(super) fn new(_: &Nodes) -> Self {
        let first = Frame::Value {
            node: 0,
            space: false,
        };
        // What is closed is always the same, so that equal machines compare equal.
        let mut open = [Frame::AnyStart; MOST_OPEN];
        open[0] = first;
        Self { open, n_open: 1 }
    }

    /// Whether nothing is open.
    pub(super) fn is_done(&self) -> bool {
        self.n_open == 0
    }

    /// Whether the text may end here.
    pub(super) fn may_end(&self) -> bool {
        match self.open[..self.n_open] {
            [] => true,
            [Frame::Number { state, .. }] => state.may_end(),
            _ => false,
        }
    }

    fn pop(&mut self) {
        self.n_open -= 1;
        self.open[self.n_open] = Frame::AnyStart;
    }

    /// Puts `frame` in the place of the innermost one.
    fn become_(&mut self, frame: Frame) -> bool {
        self.open[self.n_open - 1] = frame;
        true
    }

    /// Puts `outer` in the place of the innermost one, and `inner` inside it.
    fn nest(&mut self, outer: Frame, inner: Frame) -> bool {
        if self.n_open == MOST_OPEN {
            return false;
        }
        self.become_(outer);
        self.open[self.n_open] = inner;
        self.n_open += 1;
        true
    }

    fn close(&mut self) -> bool {
        self.pop();
        true
    }

    /// Reads a byte; says whether it may come. After one that may not, the machine is of no use.
    pub(super) fn read(&mut self, nodes: &Nodes, byte: u8) -> bool {
        let Some(&innermost) = self.open[..self.n_open].last() else {
            return false;
        };
        match innermost {
            Frame::Value { space: true, node } if byte == b' ' => {
                self.become_(Frame::Value { node, space: false })
            }
            Frame::Any { space: true } if byte == b' ' => self.become_(Frame::Any { space: false }),
            Frame::Value { node, .. } => self.begin(nodes, node, byte),
            Frame::Any { .. } => self.begin_any(byte),
            Frame::Text(state) => self.text(state, byte),
            Frame::Number {
                state,
                digits,
                is_integer,
            } => match state.next(byte, is_integer, digits) {
                Some((state, digits)) => self.become_(Frame::Number {
                    state,
                    digits,
                    is_integer,
                }),
                None if state.may_end() => {
                    self.pop();
                    self.read(nodes, byte)
                }
                None => false,
            },
            Frame::Word { word, at } => self.word(word, at, byte),
            Frame::OneOf { node, at, left } => self.one_of(nodes, (node, at, left), byte),
            Frame::Name { .. } | Frame::AfterField { .. } => self.field(nodes, innermost, byte),
            Frame::ListStart { .. } | Frame::AfterItem { .. } => self.list(nodes, innermost, byte),
            _ => self.any_object(innermost, byte),
        }
    }

    /// The first byte of a value of a known shape.
    fn begin(&mut self, nodes: &Nodes, node: NodeId, byte: u8) -> bool {
        match nodes.get(node) {
            Node::Any => self.begin_any(byte),
            Node::Text => byte == b'"' && self.become_(Frame::Text(TextState::Plain)),
            Node::Number { is_integer } => self.begin_number(*is_integer, byte),
            Node::OneOf(texts) => {
                let left = if texts.len() == 64 {
                    u64::MAX
                } else {
                    (1 << texts.len()) - 1
                };
                self.one_of(nodes, (node, 0, left), byte)
            }
            Node::List(item) => {
                byte == b'[' && self.become_(Frame::ListStart { node: Some(*item) })
            }
            Node::Object(fields) => {
                byte == b'{'
                    && self.become_(if fields.is_empty() {
                        Frame::AfterField { node, nth: 0 }
                    } else {
                        Frame::Name {
                            node,
                            nth: 0,
                            at: 0,
                            space: false,
                        }
                    })
            }
        }
    }

    fn begin_any(&mut self, byte: u8) -> bool {
        let word = |word| Frame::Word { word, at: 1 };
        match byte {
            b'"' => self.become_(Frame::Text(TextState::Plain)),
            b'{' => self.become_(Frame::AnyStart),
            b'[' => self.become_(Frame::ListStart { node: None }),
            b't' => self.become_(word(Word::True)),
            b'f' => self.become_(word(Word::False)),
            b'n' => self.become_(word(Word::Null)),
            _ => self.begin_number(false, byte),
        }
    }

    fn begin_number(&mut self, is_integer: bool, byte: u8) -> bool {
        let state = match byte {
            b'-' => NumberState::Sign,
            b'0' => NumberState::Zero,
            b'1'..=b'9' => NumberState::Digits,
            _ => return false,
        };
        self.become_(Frame::Number {
            state,
            digits: 1,
            is_integer,
        })
    }

    fn text(&mut self, state: TextState, byte: u8) -> bool {
        let character = |left, low, high| Frame::Text(TextState::Character { left, low, high });
        let plain = Frame::Text(TextState::Plain);
        match (state, byte) {
            (TextState::Plain, b'"') => self.close(),
            (TextState::Plain, b'\\') => self.become_(Frame::Text(TextState::Escape)),
            (TextState::Plain, 0x20..=0x7e) => true,
            (TextState::Plain, 0xc2..=0xdf) => self.become_(character(1, 0x80, 0xbf)),
            (TextState::Plain, 0xe0) => self.become_(character(2, 0xa0, 0xbf)),
            (TextState::Plain, 0xed) => self.become_(character(2, 0x80, 0x9f)),
            (TextState::Plain, 0xe1..=0xef) => self.become_(character(2, 0x80, 0xbf)),
            (TextState::Plain, 0xf0) => self.become_(character(3, 0x90, 0xbf)),
            (TextState::Plain, 0xf1..=0xf3) => self.become_(character(3, 0x80, 0xbf)),
            (TextState::Plain, 0xf4) => self.become_(character(3, 0x80, 0x8f)),
            (TextState::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.become_(plain)
            }
            (TextState::Character { left, low, high }, _) if (low..=high).contains(&byte) => self
                .become_(match left {
                    1 => plain,
                    _ => character(left - 1, 0x80, 0xbf),
                }),
            _ => false,
        }
    }

    fn word(&mut self, word: Word, at: u8, byte: u8) -> bool {
        let bytes = word.bytes();
        if bytes[usize::from(at)] != byte {
            false
        } else if usize::from(at) + 1 == bytes.len() {
            self.close()
        } else {
            self.become_(Frame::Word { word, at: at + 1 })
        }
    }

    fn one_of(&mut self, nodes: &Nodes, (node, at, left): (NodeId, u16, u64), byte: u8) -> bool {
        let Node::OneOf(texts) = nodes.get(node) else {
            return false;
        };
        let mut still = 0;
        for (nth, text) in texts.iter().enumerate() {
            if left >> nth & 1 == 1 && text.get(usize::from(at)) == Some(&byte) {
                if text.len() == usize::from(at) + 1 {
                    // Quotes end texts, so no text is the start of another one.
                    return self.close();
                }
                still |= 1 << nth;
            }
        }
        still != 0
            && self.become_(Frame::OneOf {
                node,
                at: at + 1,
                left: still,
            })
    }

    fn field(&mut self, nodes: &Nodes, frame: Frame, byte: u8) -> bool {
        match frame {
            Frame::Name {
                node,
                nth,
                at,
                space: true,
            } if byte == b' ' => self.become_(Frame::Name {
                node,
                nth,
                at,
                space: false,
            }),
            Frame::Name { node, nth, at, .. } => {
                let Node::Object(fields) = nodes.get(node) else {
                    return false;
                };
                let (name, value) = &fields[usize::from(nth)];
                if name[usize::from(at)] != byte {
                    false
                } else if usize::from(at) + 1 == name.len() {
                    let value = Frame::Value {
                        node: *value,
                        space: true,
                    };
                    self.nest(Frame::AfterField { node, nth: nth + 1 }, value)
                } else {
                    self.become_(Frame::Name {
                        node,
                        nth,
                        at: at + 1,
                        space: false,
                    })
                }
            }
            Frame::AfterField { node, nth } => {
                let Node::Object(fields) = nodes.get(node) else {
                    return false;
                };
                match (byte, usize::from(nth) == fields.len()) {
                    (b'}', true) => self.close(),
                    (b',', false) => self.become_(Frame::Name {
                        node,
                        nth,
                        at: 0,
                        space: true,
                    }),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn list(&mut self, nodes: &Nodes, frame: Frame, byte: u8) -> bool {
        let value = |node: Option<NodeId>, space| match node {
            Some(node) => Frame::Value { node, space },
            None => Frame::Any { space },
        };
        match (frame, byte) {
            (Frame::ListStart { .. } | Frame::AfterItem { .. }, b']') => self.close(),
            (Frame::AfterItem { node }, b',') => {
                self.nest(Frame::AfterItem { node }, value(node, true))
            }
            (Frame::ListStart { node }, _) => {
                self.nest(Frame::AfterItem { node }, value(node, false)) && self.read(nodes, byte)
            }
            _ => false,
        }
    }

    fn any_object(&mut self, frame: Frame, byte: u8) -> bool {
        let name = Frame::Text(TextState::Plain);
        match (frame, byte) {
            (Frame::AnyStart | Frame::AfterAny, b'}') => self.close(),
            (Frame::AnyStart | Frame::AnyName { .. }, b'"') => self.nest(Frame::AnyColon, name),
            (Frame::AnyName { space: true }, b' ') => self.become_(Frame::AnyName { space: false }),
            (Frame::AnyColon, b':') => self.nest(Frame::AfterAny, Frame::Any { space: true }),
            (Frame::AfterAny, b',') => self.become_(Frame::AnyName { space: true }),
            _ => false,
        }
    }

    /// Bytes of the shortest way to an end.
    pub(super) fn cost(&self, nodes: &Nodes) -> usize {
        let open = self.open[..self.n_open].iter();
        open.map(|frame| frame.cost(nodes)).sum()
    }
}

impl Frame {
    fn cost(self, nodes: &Nodes) -> usize {
        let rest = |node, nth: u16| match nodes.get(node) {
            Node::Object(fields) => nodes.rest_cost(fields, usize::from(nth)),
            _ => 0,
        };
        match self {
            Self::Value { node, .. } => nodes.cost(node),
            Self::Any { .. }
            | Self::ListStart { .. }
            | Self::AfterItem { .. }
            | Self::AnyStart
            | Self::AfterAny
            | Self::Text(TextState::Plain) => 1,
            Self::Text(TextState::Escape) => 2,
            Self::Text(TextState::Character { left, .. }) => 1 + usize::from(left),
            Self::Number { state, .. } => usize::from(!state.may_end()),
            Self::Word { word, at } => word.bytes().len() - usize::from(at),
            Self::OneOf { node, at, left } => match nodes.get(node) {
                Node::OneOf(texts) => {
                    let open = texts
                        .iter()
                        .enumerate()
                        .filter(|(nth, _)| left >> nth & 1 == 1);
                    open.map(|(_, text)| text.len()).min().unwrap_or(0) - usize::from(at)
                }
                _ => 0,
            },
            Self::Name { node, nth, at, .. } => rest(node, nth) - usize::from(at),
            // A brace where no field is left; else a comma before each, and the brace.
            Self::AfterField { node, nth } => 1 + rest(node, nth),
            // `"":1}` and `:1}`.
            Self::AnyName { .. } => 5,
            Self::AnyColon => 3,
        }
    }
}

impl NumberState {
    fn may_end(self) -> bool {
        matches!(
            self,
            Self::Zero | Self::Digits | Self::Fraction | Self::ExponentDigits
        )
    }

    /// Where a byte leads, and how many digits there are then.
    fn next(self, byte: u8, is_integer: bool, digits: u8) -> Option<(Self, u8)> {
        let has_room = digits < MOST_DIGITS;
        let state = match (self, byte) {
            (Self::Sign, b'0') => Self::Zero,
            (Self::Sign, b'1'..=b'9') => Self::Digits,
            (Self::Digits, b'0'..=b'9') if has_room => Self::Digits,
            (Self::Zero | Self::Digits, b'.') if !is_integer && has_room => Self::Point,
            (Self::Point, b'0'..=b'9') => Self::Fraction,
            (Self::Fraction, b'0'..=b'9') if has_room => Self::Fraction,
            (Self::Zero | Self::Digits | Self::Fraction, b'e' | b'E') if !is_integer => {
                return Some((Self::Exponent, 0));
            }
            (Self::Exponent, b'+' | b'-') => return Some((Self::ExponentSign, 0)),
            (Self::Exponent | Self::ExponentSign, b'0'..=b'9') => Self::ExponentDigits,
            (Self::ExponentDigits, b'0'..=b'9') if digits < MOST_EXPONENT_DIGITS => {
                Self::ExponentDigits
            }
            _ => return None,
        };
        Some((state, digits + 1))
    }
}
