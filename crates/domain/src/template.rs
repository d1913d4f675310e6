//! Message templates of a WhatsApp account: what they look like, what must be filled in, and what the customer will read.

use std::collections::BTreeSet;

/// The longest value of one variable, in characters: the body as a whole has 1,024.
pub const VALUE_CHARS_MAX: usize = 1_024;

/// A template as the provider has it. Nothing in it is personal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub name: String,
    /// Exactly as the provider spells it: `es`, `es_AR`, `en_US`.
    pub language: String,
    /// The provider's id (Meta's number, Twilio's ContentSid).
    pub provider_id: Option<String>,
    pub status: TemplateStatus,
    /// `marketing`, `utility`, `authentication`, or the provider's word.
    pub category: String,
    pub header: Option<Header>,
    /// With its variables as `{{1}}` or `{{name}}`.
    pub body: String,
    pub footer: Option<String>,
    pub buttons: Vec<TemplateButton>,
    /// The provider's reason for a rejection or a pause; absent if it gave none.
    pub reason: Option<String>,
}

/// Whether a template can be used. `Other` keeps the provider's word.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateStatus {
    Approved,
    Pending,
    Rejected,
    Paused,
    Disabled,
    Other(String),
}

impl TemplateStatus {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Other(word) => word,
        }
    }

    /// The status of that name, whatever its case.
    pub fn parse(text: &str) -> Self {
        let word = text.to_lowercase();
        [Self::Approved, Self::Pending, Self::Rejected, Self::Paused, Self::Disabled]
            .into_iter()
            .find(|status| status.as_str() == word)
            .unwrap_or(Self::Other(word))
    }
}

/// What stands above the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// With at most one variable.
    Text(String),
    Image,
    Video,
    Document,
    Location,
}

/// A button below the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateButton {
    /// `quick_reply`, `url`, `phone_number`, or the provider's word.
    pub kind: String,
    pub text: String,
    /// For `url`: with at most one variable, at its end.
    pub url: Option<String>,
}

/// Which part of a template a variable stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Header,
    Body,
    /// The URL of the n-th button, from 0.
    Button(u32),
}

/// Why a template cannot be used like this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateProblem {
    /// It is not approved (any more).
    NotUsable { status: TemplateStatus },
    /// These variables have no value.
    Missing { variables: Vec<String> },
    /// It has no such variables.
    Surplus { variables: Vec<String> },
    /// These variables have several values.
    Repeated { variables: Vec<String> },
    /// The value is empty or only spaces.
    Blank { variable: String },
    /// The value has a line break, a tab, or more than four spaces in a row.
    Spacing { variable: String },
    /// The value is too long.
    TooLong { variable: String },
    /// The header is a medium and none was given, or the other way round.
    HeaderFile,
    /// The header is a place, which no message can give it.
    HeaderLocation,
}

impl Template {
    /// The variables in the order in which a person reads them, each once a part.
    pub fn variables(&self) -> Vec<(Part, String)> {
        let mut all = Vec::new();
        if let Some(Header::Text(text)) = &self.header {
            all.extend(variables_of(text).into_iter().map(|name| (Part::Header, name)));
        }
        all.extend(variables_of(&self.body).into_iter().map(|name| (Part::Body, name)));
        for (n, button) in (0u32..).zip(&self.buttons) {
            let names = button.url.as_deref().map(variables_of).unwrap_or_default();
            all.extend(names.into_iter().map(|name| (Part::Button(n), name)));
        }
        all
    }

    /// Whether its header is a medium that has to be given.
    pub const fn wants_file(&self) -> bool {
        matches!(self.header, Some(Header::Image | Header::Video | Header::Document))
    }

    /// Whether a message can be made of it now.
    pub fn usable(&self) -> bool {
        self.status == TemplateStatus::Approved && self.header != Some(Header::Location)
    }

    /// Checks the values and answers what the customer will read: header, body and footer.
    pub fn fill(&self, values: &[(Part, String, String)], with_file: bool) -> Result<String, TemplateProblem> {
        if self.status != TemplateStatus::Approved {
            return Err(TemplateProblem::NotUsable { status: self.status.clone() });
        }
        if self.header == Some(Header::Location) {
            return Err(TemplateProblem::HeaderLocation);
        }
        if self.wants_file() != with_file {
            return Err(TemplateProblem::HeaderFile);
        }
        let wanted: BTreeSet<(Part, String)> = self.variables().into_iter().collect();
        let mut given: BTreeSet<(Part, String)> = BTreeSet::new();
        let mut repeated: BTreeSet<(Part, String)> = BTreeSet::new();
        for (part, name, _) in values {
            if !given.insert((*part, name.clone())) {
                repeated.insert((*part, name.clone()));
            }
        }
        let names = |set: BTreeSet<&(Part, String)>| set.into_iter().map(|(_, name)| name.clone()).collect::<Vec<_>>();
        let missing = names(wanted.difference(&given).collect());
        if !missing.is_empty() {
            return Err(TemplateProblem::Missing { variables: missing });
        }
        let surplus = names(given.difference(&wanted).collect());
        if !surplus.is_empty() {
            return Err(TemplateProblem::Surplus { variables: surplus });
        }
        // A provider counts values: a second one would stand in place of the next variable.
        if !repeated.is_empty() {
            return Err(TemplateProblem::Repeated { variables: names(repeated.iter().collect()) });
        }
        for (_, name, value) in values {
            check_value(name, value)?;
        }
        let text = |part: Part, text: &str| {
            values
                .iter()
                .filter(|(of, _, _)| *of == part)
                .fold(text.to_owned(), |text, (_, name, value)| replace(&text, name, value))
        };
        let mut lines = Vec::new();
        if let Some(Header::Text(header)) = &self.header {
            lines.push(text(Part::Header, header));
        }
        lines.push(text(Part::Body, &self.body));
        lines.extend(self.footer.clone());
        Ok(lines.join("\n\n"))
    }
}

/// The template of that name: in that language, else in another form of the same language (`es_AR` for `es_MX`), else none.
/// Without a language the one in `fallback`'s language, else the first.
pub fn find<'t>(
    templates: impl Iterator<Item = &'t Template>,
    name: &str,
    language: Option<&str>,
    fallback: &str,
) -> Option<&'t Template> {
    let mut named: Vec<&Template> = templates.filter(|template| template.name == name).collect();
    // One that can be used comes before one that cannot.
    named.sort_by_key(|template| (!template.usable(), template.language.clone()));
    let wanted = language.unwrap_or(fallback);
    let exact = named.iter().find(|template| template.language == wanted);
    let base = |language: &str| language.split(['_', '-']).next().unwrap_or_default().to_lowercase();
    let close = || named.iter().find(|template| base(&template.language) == base(wanted));
    let any = || if language.is_none() { named.first() } else { None };
    exact.or_else(close).or_else(any).copied()
}

fn check_value(name: &str, value: &str) -> Result<(), TemplateProblem> {
    let variable = name.to_owned();
    if value.trim().is_empty() {
        return Err(TemplateProblem::Blank { variable });
    }
    if value.contains(['\n', '\r', '\t']) || value.contains("     ") {
        return Err(TemplateProblem::Spacing { variable });
    }
    if value.chars().count() > VALUE_CHARS_MAX {
        return Err(TemplateProblem::TooLong { variable });
    }
    Ok(())
}

/// The variables of a text, `{{name}}`, in order, each once.
fn variables_of(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let after = &rest[start + 2..];
        let Some(end) = after.find("}}") else { break };
        let name = after[..end].trim();
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if plain && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
        rest = &after[end + 2..];
    }
    found
}

fn replace(text: &str, name: &str, value: &str) -> String {
    let mut out = String::with_capacity(text.len() + value.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let after = &rest[start + 2..];
        let Some(end) = after.find("}}") else { break };
        out.push_str(&rest[..start]);
        if after[..end].trim() == name {
            out.push_str(value);
        } else {
            out.push_str(&rest[start..start + 2 + end + 2]);
        }
        rest = &after[end + 2..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(header: Option<Header>) -> Template {
        Template {
            name: "turno".to_owned(),
            language: "es".to_owned(),
            provider_id: None,
            status: TemplateStatus::Approved,
            category: "utility".to_owned(),
            header,
            body: "Hola {{1}}, lo esperamos el {{2}}.".to_owned(),
            footer: None,
            buttons: vec![],
            reason: None,
        }
    }

    fn of_body(values: &[(&str, &str)]) -> Vec<(Part, String, String)> {
        values.iter().map(|(name, value)| (Part::Body, (*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_variable_has_one_value() {
        let template = turn(Some(Header::Text("Para {{1}}".to_owned())));
        let mut values = of_body(&[("1", "Ana"), ("2", "lunes")]);
        values.push((Part::Header, "1".to_owned(), "usted".to_owned()));
        let text = template.fill(&values, false).unwrap();
        assert_eq!(text, "Para usted\n\nHola Ana, lo esperamos el lunes.", "the header's 1 is not the body's");
        for again in [(Part::Body, "1"), (Part::Header, "1")] {
            let mut twice = values.clone();
            twice.push((again.0, again.1.to_owned(), "Eva".to_owned()));
            let repeated = TemplateProblem::Repeated { variables: vec!["1".to_owned()] };
            assert_eq!(template.fill(&twice, false), Err(repeated), "{again:?}");
        }
    }

    #[test]
    fn a_place_as_a_header_is_refused_and_gives_way_to_another_language() {
        let place = turn(Some(Header::Location));
        let values = of_body(&[("1", "Ana"), ("2", "lunes")]);
        assert_eq!(place.fill(&values, false), Err(TemplateProblem::HeaderLocation));
        assert_eq!(place.fill(&values, true), Err(TemplateProblem::HeaderLocation));
        assert!(!place.usable() && turn(None).usable());
        let other = Template { language: "es_MX".to_owned(), ..turn(None) };
        let found = find([&place, &other].into_iter(), "turno", Some("es_AR"), "en");
        assert_eq!(found.map(|found| found.language.as_str()), Some("es_MX"));
    }
}
