//! Templates as the API shows them, and why one cannot be used.

use relevo_domain::template::{Header, Part, Template, TemplateProblem};
use relevo_proto::query::v1 as wire;

pub(crate) fn template(template: Template) -> wire::Template {
    let variables = template.variables().into_iter().map(|(part, name)| variable(part, name)).collect();
    let wants_file = template.wants_file();
    let (header_kind, header_text) = match template.header {
        None => ("", String::new()),
        Some(Header::Text(text)) => ("text", text),
        Some(Header::Image) => ("image", String::new()),
        Some(Header::Video) => ("video", String::new()),
        Some(Header::Document) => ("document", String::new()),
        Some(Header::Location) => ("location", String::new()),
    };
    wire::Template {
        name: template.name,
        language: template.language,
        status: template.status.as_str().to_owned(),
        category: template.category,
        header_kind: header_kind.to_owned(),
        header_text,
        body: template.body,
        footer: template.footer.unwrap_or_default(),
        buttons: template
            .buttons
            .into_iter()
            .map(|button| wire::TemplateButton {
                kind: button.kind,
                text: button.text,
                url: button.url.unwrap_or_default(),
            })
            .collect(),
        variables,
        wants_file,
        reason: template.reason.unwrap_or_default(),
    }
}

fn variable(part: Part, name: String) -> wire::TemplateVariable {
    let (part, button) = match part {
        Part::Header => ("header", 0),
        Part::Body => ("body", 0),
        Part::Button(number) => ("button", number),
    };
    wire::TemplateVariable { part: part.to_owned(), button, name }
}

pub(crate) fn problem(problem: TemplateProblem) -> wire::TemplateProblem {
    let (kind, variables, status) = match problem {
        TemplateProblem::NotUsable { status } => ("not_usable", Vec::new(), status.as_str().to_owned()),
        TemplateProblem::Missing { variables } => ("missing", variables, String::new()),
        TemplateProblem::Surplus { variables } => ("surplus", variables, String::new()),
        TemplateProblem::Repeated { variables } => ("repeated", variables, String::new()),
        TemplateProblem::Blank { variable } => ("blank", vec![variable], String::new()),
        TemplateProblem::Spacing { variable } => ("spacing", vec![variable], String::new()),
        TemplateProblem::TooLong { variable } => ("too_long", vec![variable], String::new()),
        TemplateProblem::HeaderFile => ("header_file", Vec::new(), String::new()),
        TemplateProblem::HeaderLocation => ("header_location", Vec::new(), String::new()),
    };
    wire::TemplateProblem { kind: kind.to_owned(), variables, status }
}
