//! The HTML of a mail made safe to show: nothing in it runs, submits, moves, or tells its sender that it was read.
//!
//! What is allowed is listed; everything else is left out. Pictures from elsewhere are not loaded unless the reader asks for it:
//! each stays as a place with its address beside it. A frontend should show the result in a sandboxed frame all the same.

// The path is spelt out because `fuzz/` compiles this file, too.
#[path = "mail_html/balance.rs"]
mod balance;
#[path = "mail_html/style.rs"]
mod style;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ammonia::{Builder, Url, UrlRelative};

/// What a mail may be written with beside the usual.
const MORE_TAGS: [&str; 4] = ["font", "tfoot", "big", "address"];
/// What is not for reading.
const LEFT_OUT_WITH_CONTENT: [&str; 12] = [
    "script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math", "select", "textarea",
    "noframes",
];
/// Links that are followed to somewhere else.
const LINK_SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];
/// Pictures that stand in the mail itself. Not SVG.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/// How things look, as long as it loads nothing and stays in its place.
const STYLES: [&str; 40] = [
    "background-color",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-radius",
    "border-right",
    "border-spacing",
    "border-style",
    "border-top",
    "border-width",
    "color",
    "direction",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "max-width",
    "min-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "text-indent",
    "text-transform",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
];
/// The attribute that holds the address of a picture that was not loaded.
pub(crate) const REMOTE_ATTRIBUTE: &str = "data-relevo-remote-src";

/// HTML that can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SafeHtml {
    pub(crate) html: String,
    /// Pictures from elsewhere that were left out; 0 if they were asked for.
    pub(crate) remote_images: u32,
}

/// Makes it safe. `inline` says at which address a picture of the mail itself is, by its content id.
pub(crate) fn sanitise(html: &str, inline: HashMap<String, String>, load_remote: bool) -> SafeHtml {
    // An address that no mail can contain stands for "not loaded" until the attribute gets its other name.
    let marker = format!("relevo-{:032x}", rand::random::<u128>());
    let remote = Arc::new(AtomicU32::new(0));
    let (counted, marked) = (Arc::clone(&remote), marker.clone());
    let mut builder = builder();
    builder.attribute_filter(move |element, attribute, value| match (element, attribute) {
        ("img", "src") => match picture(value, &inline)? {
            Picture::Here(address) => Some(address.into()),
            Picture::Elsewhere(address) if load_remote => Some(address.into()),
            Picture::Elsewhere(address) => {
                counted.fetch_add(1, Ordering::Relaxed);
                Some(format!("{marked}:{address}").into())
            }
        },
        (_, "href" | "cite") => {
            // Nobody sees a control character, and a browser passes over it: the address is written as it is followed.
            let address = value.replace(char::is_control, "");
            let url = Url::parse(&address).ok()?;
            LINK_SCHEMES.contains(&url.scheme()).then(|| address.trim().to_owned().into())
        }
        (_, "style") => Some(style::plain(value).into()),
        _ => Some(value.into()),
    });
    let kept = builder.clone_tags();
    let html = balance::balanced(html, |name| kept.contains(name));
    let html = builder.clean(&html).to_string();
    let html = html.replace(&format!("src=\"{marker}:"), &format!("{REMOTE_ATTRIBUTE}=\""));
    SafeHtml { html, remote_images: remote.load(Ordering::Relaxed) }
}

fn builder() -> Builder<'static> {
    let mut builder = Builder::default();
    let look = ["align", "valign", "bgcolor", "width", "height", "dir"];
    let table = ["border", "cellpadding", "cellspacing"];
    builder
        .add_tags(MORE_TAGS)
        .rm_tags(["area", "map"])
        .clean_content_tags(HashSet::from(LEFT_OUT_WITH_CONTENT))
        .add_generic_attributes(look.into_iter().chain(["style"]))
        .add_tag_attributes("font", ["color", "face", "size"])
        .add_tag_attributes("table", table)
        .filter_style_properties(HashSet::from(STYLES))
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "cid", "data"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer"))
        .set_tag_attribute_value("a", "target", "_blank");
    builder
}

/// Where a picture is.
enum Picture {
    /// In the mail.
    Here(String),
    /// On somebody's server, who would learn that the mail is read.
    Elsewhere(String),
}

/// `None` for what is no picture, or one that the mail does not have.
fn picture(source: &str, inline: &HashMap<String, String>) -> Option<Picture> {
    let url = Url::parse(source).ok()?;
    match url.scheme() {
        "cid" => {
            let id = url.path();
            inline.get(id).or_else(|| inline.get(&id.replace("%40", "@"))).cloned().map(Picture::Here)
        }
        "data" => {
            let kind = url.path().split([';', ',']).next()?.to_ascii_lowercase();
            PICTURES.contains(&kind.as_str()).then(|| Picture::Here(url.to_string()))
        }
        "http" | "https" => Some(Picture::Elsewhere(url.to_string())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(html: &str) -> String {
        sanitise(html, HashMap::from([("logo@b".to_owned(), "https://r.example/v1/files/x".to_owned())]), false).html
    }

    #[test]
    fn an_ordinary_mail_stays_readable() {
        let html = "<html><head><title>t</title><style>p{}</style></head><body><p style=\"color: red; position: fixed\" \
            align=center>Hola <b>Ana</b></p><table border=1 bgcolor=\"#fff\"><tr><td colspan=2>1</td></tr></table>\
            <a href=\"https://x.example/a?b=1&amp;c=2\">x</a><img src=\"cid:logo@b\" alt=logo></body></html>";
        assert_eq!(
            safe(html),
            "<p style=\"color:red\" align=\"center\">Hola <b>Ana</b></p><table border=\"1\" bgcolor=\"#fff\"><tbody><tr>\
             <td colspan=\"2\">1</td></tr></tbody></table><a href=\"https://x.example/a?b=1&amp;c=2\" target=\"_blank\" \
             rel=\"noopener noreferrer\">x</a><img src=\"https://r.example/v1/files/x\" alt=\"logo\">"
        );
    }

    #[test]
    fn a_link_is_written_as_it_is_followed() {
        for (href, shown) in [
            ("\u{2}http://x.example/", Some("http://x.example/")),
            (" ht\ntps://x.example/a\tb ", Some("https://x.example/ab")),
            ("mailto:ana@b.example", Some("mailto:ana@b.example")),
            ("java\nscript:alert(1)", None),
            ("\u{1}javascript:alert(1)", None),
        ] {
            let quoted = shown.map_or_else(String::new, |shown| format!("<q cite=\"{shown}\">x</q>"));
            assert_eq!(
                safe(&format!("<q cite=\"{href}\">x</q>")),
                if quoted.is_empty() { "<q>x</q>" } else { &quoted }
            );
        }
    }

    #[test]
    fn pictures_from_elsewhere_are_marked_and_counted_and_loaded_when_asked_for() {
        let html = "<img src=\"https://t.example/p.gif?u=1&amp;v=2\" width=1><img src=' HTTP://t.example/q'>\
            <img src=\"cid:other\"><img src=/relative><img src=\"data:image/png;base64,AAAA\">\
            <img src=\"data:image/svg+xml,<svg onload=alert(1)>\"><img srcset=\"https://t.example/s\">";
        let found = sanitise(html, HashMap::new(), false);
        assert_eq!(
            found.html,
            "<img data-relevo-remote-src=\"https://t.example/p.gif?u=1&amp;v=2\" width=\"1\">\
             <img data-relevo-remote-src=\"http://t.example/q\"><img><img><img src=\"data:image/png;base64,AAAA\"><img><img>"
        );
        assert_eq!(found.remote_images, 2);
        let loaded = sanitise(html, HashMap::new(), true);
        assert_eq!(loaded.remote_images, 0);
        assert!(loaded.html.starts_with("<img src=\"https://t.example/p.gif?u=1&amp;v=2\" width=\"1\">"));
        // What the mail says itself about the attribute counts for nothing.
        assert_eq!(safe("<img data-relevo-remote-src=\"javascript:x\" alt=a>"), "<img alt=\"a\">");
    }

    /// Each is something that would run, load, submit, move or cover something in a browser.
    const ATTACKS: [&str; 62] = [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=//x.example/a.js></SCRIPT>",
        "<scr<script>ipt>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<img src=`javascript:alert(1)`>",
        "<IMG \"\"\"><SCRIPT>alert(1)</SCRIPT>\">",
        "<img src=\"jav\tascript:alert(1);\">",
        "<img src=\" &#14; javascript:alert(1);\">",
        "<img dynsrc=\"javascript:alert(1)\">",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<a href=\"JaVaScRiPt&colon;alert(1)\">x</a>",
        "<a href=\"&#106;&#97;&#118;&#97;script:alert(1)\">x</a>",
        "<a href=\"java\nscript:alert(1)\">x</a>",
        "<a href=\"\x01javascript:alert(1)\">x</a>",
        "<a href=\"vbscript:msgbox(1)\">x</a>",
        "<a href=\"data:text/html;base64,PHNjcmlwdD4=\">x</a>",
        "<a href=\"cid:x\">x</a>",
        "<a href=\"file:///etc/passwd\">x</a>",
        "<a href=x onclick=alert(1)>x</a>",
        "<a href=\"https://x.example\" target=_self rel=opener>x</a>",
        "<svg onload=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<svg><a xlink:href=\"javascript:alert(1)\"><text>x</text></a></svg>",
        "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        "<math href=\"javascript:alert(1)\">x</math>",
        "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<iframe src=\"https://x.example\"></iframe>",
        "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
        "<frameset><frame src=\"javascript:alert(1)\"></frameset>",
        "<object data=\"https://x.example/a.swf\"></object>",
        "<embed src=\"https://x.example/a.swf\">",
        "<applet code=x></applet>",
        "<base href=\"https://x.example/\"><a href=\"a\">x</a>",
        "<meta http-equiv=refresh content=\"0;url=https://x.example\">",
        "<link rel=stylesheet href=\"https://x.example/a.css\">",
        "<style>@import 'https://x.example/a.css';</style>",
        "<style>body{background:url(https://x.example/a)}</style>",
        "<div style=\"background:url(https://x.example/a)\">x</div>",
        "<div style=\"background-image:url(https://x.example/a)\">x</div>",
        "<div style=\"color:expression(alert(1))\">x</div>",
        "<div style=\"-moz-binding:url(https://x.example/a)\">x</div>",
        "<div style=\"position:fixed;top:0;left:0;z-index:99\">x</div>",
        "<div style=\"list-style:url(https://x.example/a)\">x</div>",
        "<div style=\"width:url(https://x.example/a)\">x</div>",
        "<div style=\"margin:-9999px\">x</div>",
        "<form action=\"https://x.example\"><input name=password><button>x</button></form>",
        "<button formaction=\"javascript:alert(1)\">x</button>",
        "<input type=image src=\"https://x.example/a\">",
        "<isindex action=\"javascript:alert(1)\">",
        "<video src=\"https://x.example/a\" onerror=alert(1)></video>",
        "<audio src=x onerror=alert(1)>",
        "<body onload=alert(1) background=\"https://x.example/a\">",
        "<table background=\"https://x.example/a\"><tr><td>x</td></tr></table>",
        "<td background=\"javascript:alert(1)\">",
        "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
        "<!-- --!><script>alert(1)</script> -->",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<template><script>alert(1)</script></template>",
        "<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\"></textarea>",
        "<p id=cookie name=cookie class=admin>x</p>",
        "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">",
    ];

    const BAD_TAGS: [&str; 22] = [
        "<script",
        "<style",
        "<iframe",
        "<frame",
        "<object",
        "<embed",
        "<applet",
        "<base",
        "<meta",
        "<link",
        "<form",
        "<input",
        "<button",
        "<svg",
        "<math",
        "<video",
        "<audio",
        "<body",
        "<template",
        "<textarea",
        "<noscript",
        "<xmp",
    ];
    const BAD_ATTRIBUTES: [&str; 10] =
        [" on", " background=", " srcdoc", " formaction", " action=", " id=", " name=", " class=", " src=", " srcset"];

    #[test]
    fn nothing_runs_loads_submits_or_moves() {
        for attack in ATTACKS {
            let found = safe(attack);
            let low = found.to_ascii_lowercase();
            for tag in BAD_TAGS {
                assert!(!low.contains(tag), "{attack}\n{found}");
            }
            // In tags alone: a text may say anything.
            let tags: String =
                low.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag).collect();
            for attribute in BAD_ATTRIBUTES {
                assert!(!tags.contains(attribute), "{attack}\n{found}");
            }
            for word in [
                "javascript:",
                "vbscript:",
                "data:text",
                "cid:",
                "file:",
                "url(",
                "expression",
                "binding",
                "position",
                "margin",
            ] {
                assert!(!tags.contains(word), "{attack}\n{found}");
            }
            assert_eq!(
                tags.matches("<a ").count(),
                tags.matches("noopener noreferrer").count().min(tags.matches("<a ").count())
            );
            assert!(!tags.contains("_self") && !tags.contains("rel=\"opener"), "{attack}\n{found}");
            // Once more changes nothing: what is shown is what was checked.
            let parts = |html: &str| {
                let mut parts: Vec<_> = html.split([' ', '>', '<']).map(str::to_owned).collect();
                parts.sort();
                parts
            };
            assert_eq!(parts(&safe(&found)), parts(&found), "{attack}");
        }
    }

    #[test]
    fn deep_and_broken_html_ends() {
        let fonts: String =
            (0..200).fold(String::new(), |fonts, number| fonts + "<font color=" + &number.to_string() + ">");
        let many = format!("<table><td>{fonts}{}", "<p>x<div>y</p>".repeat(15_000));
        for hostile in ["<div>".repeat(50_000), "<a href='".repeat(20_000), "<b><table>".repeat(20_000), many] {
            assert!(safe(&hostile).len() <= hostile.len() * 10);
        }
        assert_eq!(safe(""), "");
    }
}
