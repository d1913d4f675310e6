//! `format=flowed` (RFC 3676): lines that were wrapped for transport become paragraphs again.

/// Joins flowed lines of one quote depth. `delete_space`: the wrapping space was added (DelSp=yes) and goes.
pub(super) fn unflow(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for (number, line) in text.lines().enumerate() {
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let content = &line[depth..];
        let content = content.strip_prefix(' ').unwrap_or(content);
        let separator = content == "-- ";
        let goes_on = open == Some(depth) && !separator;
        if !goes_on {
            if number > 0 {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n('>', depth));
            if depth > 0 && !content.is_empty() {
                out.push(' ');
            }
        }
        let flowed = content.ends_with(' ') && !separator;
        let kept = if flowed && delete_space { &content[..content.len() - 1] } else { content };
        out.push_str(kept);
        open = flowed.then_some(depth);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_a_paragraph_and_keeps_the_signature() {
        let text = "Hola, me \ninteresa el \nauto.\n\n-- \nLucía";
        assert_eq!(unflow(text, false), "Hola, me interesa el auto.\n\n-- \nLucía");
    }

    #[test]
    fn deletes_the_space_that_was_added() {
        assert_eq!(unflow("ハロ \nー", true), "ハロー");
    }

    #[test]
    fn quote_depth_separates() {
        assert_eq!(unflow(">> uno \n>> dos\n> tres \ncuatro", false), ">> uno dos\n> tres \ncuatro");
    }

    #[test]
    fn takes_stuffing_away() {
        assert_eq!(unflow(" >no es cita\n  From aquí", false), ">no es cita\n From aquí");
    }
}
