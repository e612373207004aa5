//! Sets up the text: sizes, and a fallback for Chinese, Japanese and Korean where the system has one.

use std::{fs, path::Path, sync::Arc};

use bevy_egui::egui::{
    Context, FontData, FontDefinitions, FontFamily, FontId, Style, TextFormat, TextStyle,
    text::LayoutJob,
};

use crate::palette;

/// Where distributions put a font with CJK characters; egui's own fonts have none.
const CJK_FONTS: [&str; 8] = [
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/wenquanyi/wqy-microhei/wqy-microhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "C:/Windows/Fonts/msyh.ttc",
];

/// What is read only when looked for: counts, sources.
pub(crate) const SMALL: f32 = 11.5;
/// What is read.
pub(crate) const BODY: f32 = 13.0;
/// Names of panels.
pub(crate) const HEADING: f32 = 15.0;
/// Numbers that stand alone.
pub(crate) const NUMBER: f32 = 16.0;
/// Simulated time.
pub(crate) const CLOCK: f32 = 18.0;

/// The sizes of text in `style`.
pub(crate) fn set_sizes(style: &mut Style) {
    use FontFamily::{Monospace, Proportional};
    style.text_styles = [
        (TextStyle::Small, FontId::new(SMALL, Proportional)),
        (TextStyle::Body, FontId::new(BODY, Proportional)),
        (TextStyle::Button, FontId::new(BODY, Proportional)),
        (TextStyle::Heading, FontId::new(HEADING, Proportional)),
        (TextStyle::Monospace, FontId::new(BODY, Monospace)),
    ]
    .into();
}

/// Adds the first CJK font that can be read behind egui's own fonts; without one nothing changes.
pub(crate) fn add_fallback(ctx: &Context) {
    let found = CJK_FONTS
        .iter()
        .map(Path::new)
        .find_map(|path| fs::read(path).ok());
    if let Some(bytes) = found {
        ctx.set_fonts(with_fallback(bytes));
    }
}

/// Draws the usual letters in every size that is used, during a pass.
///
/// A letter that is new in a frame reaches the graphics card one frame late and leaves a gap until
/// then; so that nobody sees the gaps, all letters are new before anything is shown.
pub(crate) fn draw_letters(ctx: &Context) {
    // A letter is drawn anew for each quarter of a pixel that it can begin at.
    const QUARTERS: [f32; 4] = [0.0, 0.25, 0.5, 0.75];
    let pixel = 1.0 / ctx.pixels_per_point();
    for size in [SMALL, BODY, HEADING, NUMBER, CLOCK] {
        let format = TextFormat::simple(FontId::proportional(size), palette::TEXT);
        for letter in ('!'..='~').chain("·×…–µΣäöüßé".chars()) {
            for quarter in QUARTERS {
                let mut job = LayoutJob::default();
                job.append(
                    letter.encode_utf8(&mut [0; 4]),
                    quarter * pixel,
                    format.clone(),
                );
                ctx.fonts_mut(|fonts| fonts.layout_job(job));
            }
        }
    }
}

fn with_fallback(bytes: Vec<u8>) -> FontDefinitions {
    const NAME: &str = "cjk";
    let mut fonts = FontDefinitions::default();
    fonts
        .font_data
        .insert(NAME.into(), Arc::new(FontData::from_owned(bytes)));
    for names in fonts.families.values_mut() {
        names.push(NAME.into());
    }
    fonts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fallback_comes_last() {
        let fonts = with_fallback(Vec::new());
        assert!(!fonts.families.is_empty());
        assert!(
            fonts
                .families
                .values()
                .all(|names| names.len() > 1 && names.last().is_some_and(|n| n == "cjk"))
        );
    }
}
