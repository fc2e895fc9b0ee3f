//! Uploads: what was chosen becomes a plan; where something of the same name is
//! there, the person decides.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, HtmlInputElement};

use crate::bridge::{
    ConflictChoice, DropUpload, Place, PlanUpload, PlannedUpload, StartUpload, UploadEntry,
};
use crate::ui::failure;
use crate::ui::part::{dialog, format, toast};
use crate::ui::prelude::*;

/// Conflicts that are listed one by one; of more, only all are decided.
const LISTED: usize = 100;

/// A file or folder to be uploaded.
pub(crate) struct Found {
    pub(crate) entry: UploadEntry,
    /// A `File`, or a handle to one; none for a folder.
    pub(crate) object: Option<JsValue>,
}

impl Found {
    pub(crate) const fn file(path: String, object: JsValue) -> Self {
        let entry = UploadEntry {
            path,
            is_folder: false,
        };
        Self {
            entry,
            object: Some(object),
        }
    }
}

/// Plans an upload, asks where there is something to decide, and starts it.
pub(crate) async fn begin(into: Place, found: Vec<Found>) {
    if found.is_empty() {
        toast::warn(t::NOTHING_TO_UPLOAD.get());
        return;
    }
    let (entries, objects): (Vec<_>, Vec<_>) = found
        .into_iter()
        .map(|found| (found.entry, found.object))
        .unzip();
    let objects: Vec<JsValue> = objects.into_iter().flatten().collect();
    match bridge::call_with(PlanUpload { into, entries }, &objects).await {
        Ok(plan) => go_on(plan).await,
        Err(failure) => toast::failed(&failure),
    }
}

/// Asks where there is something to decide in a plan, and starts it.
pub(crate) async fn go_on(plan: PlannedUpload) {
    if plan.conflicts.is_empty() {
        start(&plan, Vec::new()).await;
    } else {
        decide(plan);
    }
}

async fn start(plan: &PlannedUpload, decisions: Vec<(usize, ConflictChoice)>) {
    for (path, refusal) in &plan.refused {
        toast::warn(t::NOT_UPLOADED.with(&[path, &failure::words(refusal)]));
    }
    let plan_id = plan.plan;
    match bridge::call(StartUpload {
        plan: plan_id,
        decisions,
    })
    .await
    {
        Ok(_) => {
            let text = match plan.files {
                0 if plan.unchanged > 0 => t::ALL_UNCHANGED.count(plan.unchanged),
                files => t::UPLOADING.count(files),
            };
            app().announce(text.clone());
            if plan.files == 0 && plan.unchanged > 0 {
                toast::done(text);
            }
        }
        Err(failure) => toast::failed(&failure),
    }
}

/// One question for each file that is there already, or one for all.
fn decide(plan: PlannedUpload) {
    dialog::open(move || {
        let first = plan
            .conflicts
            .first()
            .map_or("", |conflict| conflict.path.as_str());
        let count = plan.conflicts.len();
        let title = t::CONFLICTS.count(count as u64);
        let choices: Vec<(usize, bool, RwSignal<String>)> = plan
            .conflicts
            .iter()
            .map(|conflict| {
                (
                    conflict.index,
                    conflict.replaceable,
                    RwSignal::new("both".to_owned()),
                )
            })
            .collect();
        let for_all = RwSignal::new("both".to_owned());
        let everyone = choices.clone();
        follow(move || {
            let chosen = for_all.get();
            for (_, replaceable, choice) in &everyone {
                let possible = chosen != "replace" || *replaceable;
                choice.set(if possible {
                    chosen.clone()
                } else {
                    "both".to_owned()
                });
            }
        });
        let any_replaceable = choices.iter().any(|(_, replaceable, _)| *replaceable);
        let lead = if count == 1 {
            t::CONFLICT_ONE.with(&[first])
        } else {
            t::CONFLICT_MANY.get().to_owned()
        };
        let options = div("choices").children(
            [
                ("both", t::KEEP_BOTH, t::KEEP_BOTH_HELP, true),
                ("replace", t::REPLACE, t::REPLACE_HELP, any_replaceable),
                ("skip", t::SKIP, t::SKIP_HELP, true),
            ]
            .into_iter()
            .filter(|(.., possible)| *possible)
            .map(|(value, label, help, _)| radio(value, label, help, for_all)),
        );
        let each =
            (1 < count && count <= LISTED).then(|| {
                let lines = plan.conflicts.iter().zip(&choices).map(
                    |(conflict, (_, replaceable, choice))| {
                        one(&conflict.path, *replaceable, *choice)
                    },
                );
                el("details")
                    .class("conflicts")
                    .child(el("summary").say(t::DECIDE_EACH))
                    .children(lines)
            });
        let body = div("")
            .child(el("p").text(&lead))
            .child(options)
            .child(each);
        let (dropped, started) = (plan.plan, plan.clone());
        let buttons = div("")
            .child(button("btn btn-quiet").say(t::CANCEL).on_click(move || {
                dialog::close();
                toast::attempt(async move { bridge::call(DropUpload { plan: dropped }).await });
            }))
            .child(
                button("btn btn-primary")
                    .say(t::UPLOAD)
                    .data_first()
                    .on_click(move || {
                        let decisions = choices
                            .iter()
                            .map(|(index, _, choice)| (*index, parse(&choice.get_untracked())))
                            .collect();
                        let plan = started.clone();
                        dialog::close();
                        act(async move { start(&plan, decisions).await });
                    }),
            );
        dialog::frame(&title, body, buttons)
    });
}

fn parse(choice: &str) -> ConflictChoice {
    match choice {
        "replace" => ConflictChoice::Replace,
        "skip" => ConflictChoice::Skip,
        _ => ConflictChoice::KeepBoth,
    }
}

fn radio(value: &'static str, label: Text, help: Text, chosen: RwSignal<String>) -> El {
    let id = format!("conflict-{value}");
    div("form-check choice")
        .child(
            el("input")
                .kind("radio")
                .class("form-check-input")
                .name("conflict")
                .id(&id)
                .prop_with("checked", move || chosen.get() == value)
                .on("change", move |_: Event| chosen.set(value.to_owned())),
        )
        .child(
            el("label")
                .class("form-check-label")
                .html_for(&id)
                .child(span("choice-title").say(label))
                .child(span("form-text").say(help)),
        )
}

fn one(path: &str, replaceable: bool, choice: RwSignal<String>) -> El {
    let options = [
        ("both", t::KEEP_BOTH),
        ("replace", t::REPLACE),
        ("skip", t::SKIP),
    ]
    .into_iter()
    .filter(|(value, _)| *value != "replace" || replaceable)
    .map(|(value, label)| el("option").prop("value", value).say(label));
    div("conflict")
        .child(span("conflict-path").text(path))
        .child(
            el("select")
                .class("form-select form-select-sm")
                .aria("aria-label", path)
                .children(options)
                .bind(choice),
        )
}

/// What a picker offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pick {
    Files,
    Folder,
    /// The camera of a phone.
    Photo,
}

/// Fields that pick files: there for as long as the page is, so that a reader
/// and a test can find them. A button clicks the right one.
pub(crate) fn pickers(into: impl Fn() -> Place + Clone + 'static) -> El {
    let picker = |pick: Pick| {
        let into = into.clone();
        let input = match pick {
            Pick::Files => el("input").takes_files("multiple").label(t::CHOOSE_FILES),
            Pick::Folder => el("input")
                .takes_files("webkitdirectory")
                .label(t::CHOOSE_FOLDER),
            Pick::Photo => el("input")
                .takes_files("capture")
                .accept("image/*")
                .label(t::TAKE_PHOTO),
        };
        input
            .class("visually-hidden")
            .tab_index("-1")
            .id(pick.id())
            .on("change", move |event: Event| {
                if let Some(input) = event.target() {
                    take(input.unchecked_ref(), into());
                }
            })
    };
    div("pickers").children([Pick::Files, Pick::Folder, Pick::Photo].map(picker))
}

impl Pick {
    const fn id(self) -> &'static str {
        match self {
            Self::Files => "pick-files",
            Self::Folder => "pick-folder",
            Self::Photo => "pick-photo",
        }
    }

    /// Opens the browser's own picker.
    pub(crate) fn open(self) {
        if let Some(input) = document().get_element_by_id(self.id()) {
            input.unchecked_ref::<HtmlInputElement>().click();
        }
    }
}

fn take(input: &HtmlInputElement, into: Place) {
    let Some(files) = input.files() else {
        return;
    };
    let found: Vec<Found> = (0..files.length())
        .filter_map(|index| files.get(index))
        .map(|file| {
            let relative = js_sys::Reflect::get(&file, &"webkitRelativePath".into()).ok();
            let relative = relative
                .and_then(|path| path.as_string())
                .filter(|path| !path.is_empty());
            Found::file(relative.unwrap_or_else(|| file.name()), file.into())
        })
        .collect();
    // The same file again is to be noticed too.
    input.set_value("");
    if !found.is_empty() {
        act(begin(into, found));
    }
}

/// What was pasted: files, named by the time where the browser names them all
/// the same.
pub(crate) fn paste(data: &web_sys::DataTransfer, into: Place) -> bool {
    let mut found = super::drop::take_files(data);
    for file in &mut found {
        if file.entry.path == "image.png" {
            let now = format::time(js_sys::Date::now() as u64).replace([':', '/'], ".");
            file.entry.path = t::PASTED_IMAGE.with(&[&now]);
        }
    }
    let is_any = !found.is_empty();
    if is_any {
        act(begin(into, found));
    }
    is_any
}
