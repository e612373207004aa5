//! Keys and values of the tokens that were read, in pages that sequences with the same start share.
//!
//! A page that is full never changes again. It is found by the page before it and its tokens, so a
//! prompt that begins as an earlier one did takes the pages over instead of computing them. Pages
//! that nobody uses stay until their room is needed; the one unused for longest goes first.

use std::collections::BTreeMap;

use super::config::Config;
use crate::kernels::paged_attention::PAGE;

/// Where a page lies.
pub(super) type PageId = usize;
/// What a full page and all before it say: never given twice. The empty start is 0.
type Serial = u64;
/// A full page is found by what is before it and its tokens.
type Key = (Serial, [u32; PAGE]);

/// One page.
#[derive(Default)]
struct Page {
    /// Layer by layer, head by head: keys, then values.
    numbers: Vec<f32>,
    n_users: usize,
    /// What it is found by, if it is.
    key: Option<Key>,
    last_use: u64,
}

/// All pages of a replica.
pub(super) struct Cache {
    pages: Vec<Page>,
    free: Vec<PageId>,
    found_by: BTreeMap<Key, (PageId, Serial)>,
    most_pages: usize,
    next_serial: Serial,
    clock: u64,
    head_numbers: usize,
    n_kv_heads: usize,
    page_numbers: usize,
}

/// The pages of one sequence.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pub(super) ids: Vec<PageId>,
    /// How many of them are full, and what they say.
    n_full: usize,
    serial: Serial,
}

impl Cache {
    /// Room for so many tokens; memory is taken as it is needed.
    pub(super) fn new(config: Config, most_tokens: usize) -> Self {
        let head_numbers = config.head * PAGE;
        Self {
            pages: Vec::new(),
            free: Vec::new(),
            found_by: BTreeMap::new(),
            most_pages: most_tokens.div_ceil(PAGE),
            next_serial: 1,
            clock: 0,
            head_numbers,
            n_kv_heads: config.n_kv_heads,
            page_numbers: config.n_layers * config.n_kv_heads * 2 * head_numbers,
        }
    }

    /// Takes over the pages that hold the start of `tokens`. At least one token is left to be read.
    pub(super) fn take_over(&mut self, tokens: &[u32]) -> Pages {
        self.clock += 1;
        let mut pages = Pages::default();
        let readable = &tokens[..tokens.len().saturating_sub(1)];
        for page in readable.as_chunks::<PAGE>().0 {
            let Some(&(id, serial)) = self.found_by.get(&(pages.serial, *page)) else {
                break;
            };
            self.pages[id].n_users += 1;
            self.pages[id].last_use = self.clock;
            pages.ids.push(id);
            pages.serial = serial;
        }
        pages.n_full = pages.ids.len();
        pages
    }

    /// Makes room for tokens up to `n_tokens`; says whether there was any.
    pub(super) fn make_room(&mut self, pages: &mut Pages, n_tokens: usize) -> bool {
        while pages.ids.len() * PAGE < n_tokens {
            let Some(id) = self.new_page() else {
                return false;
            };
            pages.ids.push(id);
        }
        true
    }

    fn new_page(&mut self) -> Option<PageId> {
        let id = match self.free.pop() {
            Some(id) => id,
            None if self.pages.len() < self.most_pages => {
                self.pages.push(Page {
                    numbers: vec![0.0; self.page_numbers],
                    ..Page::default()
                });
                self.pages.len() - 1
            }
            None => self.evict()?,
        };
        self.pages[id].n_users = 1;
        Some(id)
    }

    /// Forgets the page that nobody has used for longest.
    fn evict(&mut self) -> Option<PageId> {
        let unused = self
            .pages
            .iter()
            .enumerate()
            .filter(|(_, page)| page.n_users == 0);
        let (id, _) = unused.min_by_key(|(_, page)| page.last_use)?;
        if let Some(key) = self.pages[id].key.take() {
            self.found_by.remove(&key);
        }
        Some(id)
    }

    /// Says that the first `n_read` of `tokens` have been read: full pages can be found from now on.
    pub(super) fn remember(&mut self, pages: &mut Pages, tokens: &[u32], n_read: usize) {
        let full = tokens[..n_read].as_chunks::<PAGE>().0;
        for page in full.iter().skip(pages.n_full) {
            let key = (pages.serial, *page);
            let id = pages.ids[pages.n_full];
            pages.n_full += 1;
            // Another sequence may have read the same at the same time: what it says is the same.
            if let Some(&(_, serial)) = self.found_by.get(&key) {
                pages.serial = serial;
                continue;
            }
            pages.serial = self.next_serial;
            self.next_serial += 1;
            self.found_by.insert(key, (id, pages.serial));
            self.pages[id].key = Some(key);
        }
    }

    /// Lets go of a sequence's pages.
    pub(super) fn release(&mut self, pages: &mut Pages) {
        self.clock += 1;
        for id in std::mem::take(pages).ids {
            let page = &mut self.pages[id];
            page.n_users -= 1;
            page.last_use = self.clock;
            if page.n_users == 0 && page.key.is_none() {
                self.free.push(id);
            }
        }
    }

    /// Bytes of all pages.
    pub(super) fn bytes(&self) -> usize {
        self.pages.len() * self.page_numbers * size_of::<f32>()
    }

    fn start(&self, layer: usize, head: usize) -> usize {
        (layer * self.n_kv_heads + head) * 2 * self.head_numbers
    }

    /// The keys of a page for one head: number by number, its tokens side by side.
    pub(super) fn keys(&self, id: PageId, layer: usize, head: usize) -> &[f32] {
        let start = self.start(layer, head);
        &self.pages[id].numbers[start..start + self.head_numbers]
    }

    /// The values of a page for one head, token by token.
    pub(super) fn values(&self, id: PageId, layer: usize, head: usize) -> &[f32] {
        let start = self.start(layer, head) + self.head_numbers;
        &self.pages[id].numbers[start..start + self.head_numbers]
    }

    /// Writes down the keys and values of the token at a place of a page, all heads of a layer.
    pub(super) fn write(&mut self, id: PageId, slot: usize, layer: usize, kv: (&[f32], &[f32])) {
        let width = self.head_numbers / PAGE;
        let start = self.start(layer, 0);
        let layer = &mut self.pages[id].numbers[start..];
        let heads = layer.chunks_exact_mut(2 * self.head_numbers);
        let (keys, values) = (kv.0.chunks_exact(width), kv.1.chunks_exact(width));
        for ((to, key), value) in heads.zip(keys).zip(values) {
            let (to_keys, to_values) = to.split_at_mut(self.head_numbers);
            for (to, from) in to_keys[slot..].iter_mut().step_by(PAGE).zip(key) {
                *to = *from;
            }
            to_values[slot * width..(slot + 1) * width].copy_from_slice(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(most_tokens: usize) -> Cache {
        let config = Config {
            n_layers: 2,
            width: 32,
            inner: 32,
            n_heads: 2,
            n_kv_heads: 1,
            head: 16,
            n_turned: 16,
            rope_base: 1e4,
            eps: 1e-5,
            context: 64,
            n_vocabulary: 9,
        };
        Cache::new(config, most_tokens)
    }

    /// Reads a prompt: how many of its tokens were there already, and its pages.
    fn read(cache: &mut Cache, tokens: &[u32]) -> (usize, Pages) {
        let mut pages = cache.take_over(tokens);
        let reused = pages.ids.len() * PAGE;
        assert!(cache.make_room(&mut pages, tokens.len()));
        cache.remember(&mut pages, tokens, tokens.len());
        (reused, pages)
    }

    #[test]
    fn prompts_with_the_same_start_share_its_full_pages() {
        let mut cache = cache(1024);
        let first: Vec<u32> = (0..40).collect();
        let mut second = first.clone();
        second[35] = 99;
        let mut third = first.clone();
        third[3] = 99;
        let (reused, one) = read(&mut cache, &first);
        assert_eq!(reused, 0);
        let (reused, two) = read(&mut cache, &second);
        assert_eq!((reused, &two.ids[..2]), (32, &one.ids[..2]));
        assert_ne!(one.ids[2], two.ids[2]);
        let (reused, _) = read(&mut cache, &third);
        assert_eq!(reused, 0, "a page is the same only after the same pages");
        // The last token is always read anew, for it says what comes next.
        let (reused, _) = read(&mut cache, &first[..32]);
        assert_eq!(reused, 16);
    }

    #[test]
    fn pages_come_back_and_the_longest_unused_goes_first() {
        let mut cache = cache(64);
        let prompt = |start: u32| (start..start + 17).collect::<Vec<u32>>();
        let (_, mut a) = read(&mut cache, &prompt(0));
        cache.release(&mut a);
        let (_, mut b) = read(&mut cache, &prompt(100));
        cache.release(&mut b);
        // The page of b is found again, and then it is used later than that of a.
        let (reused, mut b) = read(&mut cache, &prompt(100));
        assert_eq!(reused, 16);
        let (_, c) = read(&mut cache, &prompt(200)[..16]);
        let mut pages = cache.take_over(&[]);
        assert!(cache.make_room(&mut pages, 16), "the page of a goes");
        assert!(!cache.make_room(&mut pages, 17), "all others are in use");
        assert_eq!(read(&mut cache, &[]).0, 0);
        cache.release(&mut b);
        assert_eq!(cache.take_over(&prompt(100)).ids.len(), 1);
        assert_eq!(cache.take_over(&prompt(0)).ids.len(), 0);
        assert_eq!(c.ids.len(), 1);
        assert!(cache.bytes() <= 4 * 2 * 2 * 16 * 16 * 4);
    }
}
