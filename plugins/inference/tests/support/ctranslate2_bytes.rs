//! Writes the bytes of small `CTranslate2` models.

/// A file under construction.
pub(crate) struct Bytes {
    spec: String,
    variables: Vec<Vec<u8>>,
    aliases: Vec<(String, String)>,
}

fn string(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u16 + 1).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes.push(0);
    bytes
}

impl Bytes {
    pub(crate) fn new(spec: &str) -> Self {
        Self {
            spec: spec.to_owned(),
            variables: Vec::new(),
            aliases: Vec::new(),
        }
    }

    /// Adds a variable: its type's code and its numbers as the file has them.
    pub(crate) fn add(&mut self, name: &str, shape: &[u32], code: u8, data: &[u8]) {
        let mut bytes = string(name);
        bytes.push(shape.len() as u8);
        shape
            .iter()
            .for_each(|dimension| bytes.extend(dimension.to_le_bytes()));
        bytes.push(code);
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend(data);
        self.variables.push(bytes);
    }

    /// Adds another name of a variable.
    pub(crate) fn alias(&mut self, name: &str, of: &str) {
        self.aliases.push((name.to_owned(), of.to_owned()));
    }

    pub(crate) fn finish(&self) -> Vec<u8> {
        let mut bytes = 6u32.to_le_bytes().to_vec();
        bytes.extend(string(&self.spec));
        bytes.extend(3u32.to_le_bytes());
        bytes.extend((self.variables.len() as u32).to_le_bytes());
        bytes.extend(self.variables.concat());
        bytes.extend((self.aliases.len() as u32).to_le_bytes());
        for (name, of) in &self.aliases {
            bytes.extend(string(name));
            bytes.extend(string(of));
        }
        bytes
    }
}
