//! Markdown as elements. The parser gives events, and each becomes an element
//! of a short list or a text; HTML in it is shown as the text it is, images are
//! never fetched, and links are those that [`Address::outside`] lets through.

use pulldown_cmark::{Alignment, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::ui::prelude::*;

/// Elements inside each other, at most: the rest is flat.
const DEPTH: usize = 64;
/// Events of one document, at most: what is longer is cut with a word.
const EVENTS: usize = 20_000;

/// Shows a text.
pub(crate) fn render(text: &str) -> El {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut open = vec![div("markdown")];
    let mut columns: Vec<Alignment> = Vec::new();
    let mut cell = 0;
    let mut is_head = false;
    // Starts that made no element of their own, so that their ends close none.
    let mut flat: Vec<bool> = Vec::new();
    let mut count = 0;
    for event in Parser::new_ext(text, options) {
        count += 1;
        if count > EVENTS {
            add(&open, el("p").class("form-text").say(t::CUT_SHORT));
            break;
        }
        match event {
            Event::Start(tag) => {
                match &tag {
                    Tag::Table(aligned) => columns = aligned.clone(),
                    Tag::TableHead => (is_head, cell) = (true, 0),
                    Tag::TableRow => (is_head, cell) = (false, 0),
                    _ => {}
                }
                let made = element(&tag, is_head, columns.get(cell).copied());
                if matches!(tag, Tag::TableCell) {
                    cell += 1;
                }
                let made = made.filter(|_| open.len() < DEPTH);
                flat.push(made.is_none());
                open.extend(made);
            }
            Event::End(end) => {
                if flat.pop() == Some(false) && open.len() > 1 {
                    close(&mut open);
                }
                if matches!(end, TagEnd::Image) {
                    write(&open, "]");
                }
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => write(&open, &text),
            Event::Code(text) => add(&open, el("code").text(&text)),
            Event::SoftBreak => write(&open, " "),
            Event::HardBreak => add(&open, el("br")),
            Event::Rule => add(&open, el("hr")),
            Event::TaskListMarker(is_done) => {
                let (picture, words) = if is_done {
                    (Icon::CheckSquareFill, t::TASK_DONE)
                } else {
                    (Icon::Square, t::TASK_OPEN)
                };
                add(
                    &open,
                    span("task")
                        .child(icon(picture))
                        .child(span("visually-hidden").say(words)),
                );
            }
            Event::FootnoteReference(name) => write(&open, &format!("[{name}]")),
            Event::InlineMath(text) | Event::DisplayMath(text) => write(&open, &text),
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    open.swap_remove(0)
}

fn element(tag: &Tag<'_>, is_head: bool, aligned: Option<Alignment>) -> Option<El> {
    Some(match tag {
        Tag::Paragraph => el("p"),
        // The page has a first heading already.
        Tag::Heading { level, .. } => el(match level {
            HeadingLevel::H1 => "h2",
            HeadingLevel::H2 => "h3",
            HeadingLevel::H3 => "h4",
            HeadingLevel::H4 => "h5",
            HeadingLevel::H5 | HeadingLevel::H6 => "h6",
        }),
        Tag::BlockQuote(_) => el("blockquote"),
        Tag::CodeBlock(_) => el("pre").tab_index("0"),
        Tag::List(None) => el("ul"),
        Tag::List(Some(first)) => {
            el("ol").prop("start", f64::from(u32::try_from(*first).unwrap_or(1)))
        }
        Tag::Item => el("li"),
        Tag::Table(_) => el("table").class("table"),
        Tag::TableHead | Tag::TableRow => el("tr"),
        Tag::TableCell => {
            let cell = el(if is_head { "th" } else { "td" });
            match aligned {
                Some(Alignment::Right) => cell.class("text-end"),
                Some(Alignment::Center) => cell.class("text-center"),
                _ => cell,
            }
        }
        Tag::Emphasis => el("em"),
        Tag::Strong => el("strong"),
        Tag::Strikethrough => el("del"),
        Tag::Link { dest_url, .. } => match Address::outside(dest_url) {
            Some(address) => el("a").title(dest_url).href(&address),
            None => span("dead-link"),
        },
        Tag::Image { dest_url, .. } => {
            span("dead-image").text(&format!("[{}: {dest_url} ", t::IMAGE.get()))
        }
        _ => return None,
    })
}

fn close(open: &mut Vec<El>) {
    if let Some(done) = open.pop() {
        add(open, done);
    }
}

fn add(open: &[El], child: El) {
    if let Some(parent) = open.last() {
        let _ = parent.clone().child(child);
    }
}

fn write(open: &[El], text: &str) {
    if let Some(parent) = open.last() {
        let _ = parent.clone().text(text);
    }
}
