//! Given rules and a turn, then these actions.

use super::*;

const SMALL: &str = r"
greeting: { goto: hola, after_hours: 24 }
fallback: { goto: no, times: 2, then: persona }
without_text: escriba
rules:
  - { name: precios, keywords: [precio, cuánto sale], text: Cien. }
  - { name: pedido, regex: 'pedido\s+#?\d{4}', quick_reply: estado }
  - { name: boton, choices: [PROMO_SI], text: Anotado. }
  - { name: persona, keywords: persona, goto: persona }
steps:
  hola: { text: '¡Hola {contact.name}!', goto: menu }
  menu:
    menu:
      text: ¿Qué necesita?
      choices:
        - { title: Precios, goto: lista }
        - { title: Otra cosa, id: otra, goto: persona }
  lista: { text: La lista. }
  no: { text: 'No le entendí, {contact.name|por favor} repita.', goto: menu }
  escriba: { text: Escríbalo. }
  persona: { text: Le paso., handoff: Pide una persona. }
";

fn small(history: Vec<pb::Said>, text: &str) -> Vec<String> {
    done(&rules(SMALL), &turn(history, vec![customer(text)]))
}

#[test]
fn keywords_are_whole_words_without_case_and_accents() {
    for text in
        ["PRECIO?", "el precio, por favor", "y el  Précio…", "cuanto\nsale", "¿Cuánto sale esto?", "pre\u{ad}cio"]
    {
        assert_eq!(small(vec![bot("x")], text), ["say Cien."], "{text}");
    }
    for text in ["precioso", "menosprecio", "cuanto, y sale", "sale cuánto"] {
        let fallback = ["say No le entendí, Ana repita. +", "buttons ¿Qué necesita?: Precios | Otra cosa"];
        assert_eq!(small(vec![bot("x")], text), fallback, "{text}");
    }
}

#[test]
fn the_first_rule_of_the_file_that_matches_is_the_one() {
    assert_eq!(small(vec![bot("x")], "una persona me dijo el precio"), ["say Cien."]);
}

#[test]
fn a_regular_expression_matches_whatever_the_case() {
    assert_eq!(small(vec![bot("x")], "mi PEDIDO #1234 no llegó"), ["quick estado"]);
    assert_eq!(small(vec![bot("x")], "mi pedido 12").len(), 2);
}

#[test]
fn who_writes_for_the_first_time_or_after_a_day_is_greeted() {
    let greeting = ["say ¡Hola Ana! +", "buttons ¿Qué necesita?: Precios | Otra cosa"];
    assert_eq!(small(vec![], "hola"), greeting);
    assert_eq!(small(vec![], "precio"), ["say Cien."], "who asks is answered");
    let rules = rules(SMALL);
    let later = |seconds| turn(vec![at(bot("x"), 0)], vec![at(customer("hola"), seconds)]);
    assert_eq!(done(&rules, &later(86_400)), greeting);
    assert_eq!(done(&rules, &later(86_399))[0], "say No le entendí, Ana repita. +");
}

#[test]
fn a_name_that_nobody_knows_leaves_no_gap() {
    let mut turn = turn(vec![], vec![customer("hola")]);
    turn.contact_name.clear();
    assert_eq!(done(&rules(SMALL), &turn)[0], "say ¡Hola! +");
    turn.history.push(bot("x"));
    assert_eq!(done(&rules(SMALL), &turn)[0], "say No le entendí, por favor repita. +");
    turn.contact_name = format!("Ana\u{7}\nPaz {}", "x".repeat(100));
    let said = done(&rules(SMALL), &turn)[0].clone();
    assert!(said.starts_with("say No le entendí, Ana Paz xxx") && said.chars().count() < 110, "{said}");
}

#[test]
fn a_choice_is_known_by_its_id_wherever_it_comes_from() {
    let choose = |id: &str| {
        let mut said = customer("lo que diga el botón");
        id.clone_into(&mut said.choice_id);
        done(&rules(SMALL), &turn(vec![bot("x")], vec![said]))
    };
    assert_eq!(choose("lista"), ["say La lista."]);
    assert_eq!(choose("otra"), ["say Le paso. +", "handoff Pide una persona."]);
    assert_eq!(choose("PROMO_SI"), ["say Anotado."]);
    assert_eq!(choose("de-antes")[0], "say No le entendí, Ana repita. +");
}

#[test]
fn a_choice_can_be_typed_by_title_or_number_as_long_as_its_menu_is_the_last_thing_said() {
    let menu = || bot("¿Qué necesita?");
    assert_eq!(small(vec![menu()], "precios"), ["say La lista."]);
    assert_eq!(small(vec![menu()], " 1. "), ["say La lista."]);
    assert_eq!(small(vec![menu()], "OTRA  cosa!"), ["say Le paso. +", "handoff Pide una persona."]);
    assert_eq!(small(vec![menu(), customer("mmm")], "2")[0], "say Le paso. +");
    assert_eq!(small(vec![menu()], "3")[0], "say No le entendí, Ana repita. +");
    assert_eq!(small(vec![menu(), bot("Otra cosa.")], "2")[0], "say No le entendí, Ana repita. +");
    assert_eq!(small(vec![menu(), said(pb::Who::Staff, "Soy Laura")], "2")[0], "say No le entendí, Ana repita. +");
}

#[test]
fn on_a_mail_channel_and_where_the_file_says_so_a_menu_is_a_text_with_numbers() {
    let text = "say ¿Qué necesita?\n\n1. Precios\n2. Otra cosa";
    let mut mail = turn(vec![], vec![customer("hola")]);
    "email".clone_into(&mut mail.medium);
    assert_eq!(done(&rules(SMALL), &mail), ["say ¡Hola Ana! +", text]);
    let texts = rules(&format!("menus: text\n{SMALL}"));
    assert_eq!(done(&texts, &turn(vec![], vec![customer("hola")])), ["say ¡Hola Ana! +", text]);
    let answered = turn(vec![bot("¿Qué necesita?\n\n1. Precios\n2. Otra cosa")], vec![customer("2")]);
    assert_eq!(done(&texts, &answered)[0], "say Le paso. +");
}

#[test]
fn after_two_fallbacks_in_a_row_comes_a_person() {
    let once = || vec![customer("xx"), bot("No le entendí, Ana repita."), bot("¿Qué necesita?")];
    let person = ["say Le paso. +", "handoff Pide una persona."];
    let twice: Vec<pb::Said> = once().into_iter().chain(once()).collect();
    assert_eq!(small(once(), "yy").len(), 2);
    assert_eq!(small(once(), "yy")[0], "say No le entendí, Ana repita. +");
    assert_eq!(small(twice.clone(), "yy"), person);
    // What was understood in between begins the count anew.
    let understood: Vec<pb::Said> =
        once().into_iter().chain([customer("precio"), bot("Cien.")]).chain(once()).collect();
    assert_eq!(small(understood, "yy")[0], "say No le entendí, Ana repita. +");
    // Who is understood is answered, however often they were not.
    assert_eq!(small(twice, "precio"), ["say Cien."]);
}

#[test]
fn of_several_messages_the_newest_that_means_something_is_answered() {
    let rules = rules(SMALL);
    let several =
        |texts: &[&str]| done(&rules, &turn(vec![bot("x")], texts.iter().map(|text| customer(text)).collect()));
    assert_eq!(several(&["precio", "por favor"]), ["say Cien."]);
    assert_eq!(several(&["precio", "no, una persona"]), ["say Le paso. +", "handoff Pide una persona."]);
    // What staff has answered meanwhile is not answered again.
    let answered = vec![customer("precio"), said(pb::Who::Staff, "Cien, Ana."), customer("ah")];
    assert_eq!(done(&rules, &turn(vec![], answered.clone()))[0], "say ¡Hola Ana! +");
    assert_eq!(done(&rules, &turn(vec![], answered[..2].to_vec())), ["done"]);
}

#[test]
fn a_message_without_words_is_told_so_and_a_reaction_is_none() {
    let of_kind = |kind: &str, text: &str| {
        let mut said = customer(text);
        kind.clone_into(&mut said.kind);
        done(&rules(SMALL), &turn(vec![bot("x")], vec![said]))
    };
    assert_eq!(of_kind("audio", ""), ["say Escríbalo."]);
    assert_eq!(of_kind("image", "el precio?"), ["say Cien."]);
    assert_eq!(of_kind("image", "mirá")[0], "say No le entendí, Ana repita. +");
    assert_eq!(of_kind("reaction", "👍"), ["done"]);
}

#[test]
fn what_is_only_to_be_known_is_known_and_nothing_is_said_without_a_fallback() {
    let mut known = turn(vec![], vec![customer("precio")]);
    known.expects_answer = false;
    assert_eq!(done(&rules(SMALL), &known), ["done"]);
    let mute = rules("rules: [{ name: a, keywords: [a], text: A }]");
    assert_eq!(done(&mute, &turn(vec![], vec![customer("b")])), ["done"]);
    assert_eq!(done(&mute, &turn(vec![], vec![])), ["done"]);
}

#[test]
fn what_was_said_in_an_attempt_that_broke_off_has_the_same_id_in_the_next_one() {
    let rules = rules(SMALL);
    let attempt = |number: u64, message: &str, text: &str| {
        let mut said = customer(text);
        message.clone_into(&mut said.message_id);
        let mut turn = turn(vec![], vec![said]);
        turn.turn = number;
        let requests = answer(&rules, &turn);
        assert!(requests.iter().all(|request| request.conversation_id == "cnv_1" && request.turn == number));
        let ids: Vec<String> = requests.into_iter().map(|request| request.command_id).collect();
        assert!(ids.iter().all(|id| id.len() <= 64), "{ids:?}");
        ids
    };
    let first = attempt(7, "msg_1", "hola");
    assert_eq!(first.len(), 2);
    assert_ne!(first[0], first[1]);
    assert_eq!(attempt(9, "msg_1", "hola"), first);
    // The same words to another message are said again.
    let other = attempt(12, "msg_2", "hola");
    assert!(other[0] != first[0] && other[1] != first[1]);
    // A hand-off is of the one attempt: done in the first, it must be done in the second.
    let (one, two) = (attempt(7, "msg_1", "persona"), attempt(9, "msg_1", "persona"));
    assert!(one[0] == two[0] && one[1] != two[1], "{one:?} {two:?}");
}

#[test]
fn the_demo_answers_what_a_hairdresser_is_asked() {
    let demo = demo();
    let first = |text: &str| done(&demo, &turn(vec![bot("x")], vec![customer(text)]))[0].clone();
    let menu = "list ¿En qué puedo ayudarle? [Ver opciones]: Horarios | Turnos | Precios | Hablar con una persona";
    let hello = done(&demo, &turn(vec![], vec![customer("Hola!!")]));
    assert_eq!(hello, ["say ¡Hola Ana! Soy el asistente de Peluquería Relevo. +", menu]);
    assert!(first("A QUE HORA ABREN HOY?").starts_with("say Abrimos de martes"), "{}", first("A QUE HORA ABREN HOY?"));
    assert!(first("cuanto sale el corte").starts_with("say *Precios*"));
    assert!(first("tenes turno para mañana?").starts_with("buttons ¿Qué quiere hacer con su turno?"));
    assert!(first("no puedo ir mañana").starts_with("say Le paso con el equipo. Díganos"));
    let person = done(&demo, &turn(vec![bot("x")], vec![customer("quiero hablar con una persona")]));
    assert_eq!(person.last().unwrap(), "handoff Pide hablar con una persona, o el asistente no entendió.");
    assert_eq!(first("asdf"), "say Perdón, no le entendí. +");
}

#[test]
fn the_files_of_the_pages_are_good() {
    for page in [include_str!("../../../../../docs/bots.en.md"), include_str!("../../../../../docs/bots.es.md")] {
        let (_, rest) = page.split_once("```yaml\n").expect("a file");
        let (file, _) = rest.split_once("```").expect("its end");
        let rules = rules(file);
        assert_eq!(done(&rules, &turn(vec![], vec![customer("hi")])).len(), 2);
        assert!(done(&rules, &turn(vec![], vec![customer("mi pedido 1234, order 1234")]))[0].starts_with("quick "));
    }
}
