//! Document 000, "when to pause the bot": every example of its five situations, and the message at which it is found.

use super::*;
use crate::conversation::PauseReason;

/// One turn of a dialogue.
enum Turn {
    Customer(&'static str),
    Bot(&'static str),
    Staff,
}

use Turn::{Bot, Customer, Staff};

fn id(number: usize) -> MessageId {
    MessageId::new([number.try_into().unwrap(); 16])
}

/// What each message of a dialogue leads to, from 1; the bot goes on as if nothing had been found.
fn findings(turns: &[Turn]) -> Vec<(usize, Finding)> {
    let (policy, mut memory, mut found) = (Policy::default(), Memory::default(), Vec::new());
    for (number, turn) in (1..).zip(turns) {
        match turn {
            Customer(text) => {
                found.extend(detect(&policy, &memory, id(number), text).map(|finding| (number, finding)));
                memory.customer_said(id(number), text);
            }
            Bot(text) => memory.bot_said(id(number), text),
            Staff => memory.staff_said(),
        }
    }
    found
}

fn rules(turns: &[Turn]) -> Vec<(usize, Rule)> {
    findings(turns).into_iter().map(|(number, finding)| (number, finding.rule)).collect()
}

fn alone(text: &str) -> Option<Finding> {
    detect(&Policy::default(), &Memory::default(), id(1), text)
}

const TOMORROW: &str = "Mañana tenemos disponibles: 10:00, 11:30, 15:00";

/// Situation 1.
#[test]
fn a_circular_conversation_is_found_at_the_third_question() {
    let found = findings(&[
        Customer("Necesito cita para mañana"),
        Bot(TOMORROW),
        Customer("Necesito cita para mañana por la tarde"),
        Bot(TOMORROW),
        Customer("Pero solo quiero por la tarde"),
        Bot(TOMORROW),
    ]);
    let [(5, finding)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((finding.rule, finding.act), (Rule::RepeatedQuestion, Act::Suggest));
    assert_eq!(finding.reason, PauseReason::BotError);
    assert_eq!(finding.evidence, Evidence { messages: vec![id(1), id(3), id(5)], count: 3, phrase: None });
}

#[test]
fn the_bots_third_equal_answer_is_found_when_it_is_given_and_with_the_message_after_it() {
    let (policy, mut memory) = (Policy::default(), Memory::default());
    for number in [2, 4] {
        assert_eq!(detect_answer(&policy, &memory, id(number), TOMORROW), None);
        memory.customer_said(id(number - 1), "hola");
        memory.bot_said(id(number), TOMORROW);
    }
    let similar = "mañana tenemos DISPONIBLES 10:00, 11:30 y 15:00 😊";
    let at_once = detect_answer(&policy, &memory, id(6), similar).unwrap();
    assert_eq!((at_once.rule, at_once.act), (Rule::RepeatedAnswer, Act::Suggest));
    assert_eq!(at_once.evidence, Evidence { messages: vec![id(2), id(4), id(6)], count: 3, phrase: None });
    memory.bot_said(id(6), similar);
    let next = detect(&policy, &memory, id(7), "bueno").unwrap();
    assert_eq!((next.rule, next.evidence), (Rule::RepeatedAnswer, at_once.evidence));

    let other_hours = "Mañana tenemos disponibles: 9:00, 12:30, 16:00";
    assert_eq!(detect_answer(&policy, &memory, id(8), other_hours), None, "other numbers are another answer");
}

#[test]
fn ten_messages_without_staff_are_unresolved() {
    let mut turns = Vec::new();
    for (ask, answer) in
        [("uno", "abc"), ("dos", "def"), ("rojo", "ghi"), ("azul", "jkl"), ("verde", "mno"), ("gris", "pqr")]
    {
        turns.extend([Customer(ask), Bot(answer)]);
    }
    assert_eq!(
        rules(&turns),
        [(11, Rule::Unresolved)],
        "the eleventh message is the customer's first from the tenth on"
    );
    let evidence = findings(&turns).remove(0).1.evidence;
    assert_eq!((evidence.count, evidence.messages.last()), (11, Some(&id(11))));
    turns.insert(4, Staff);
    assert_eq!(rules(&turns), [], "staff answered");
}

/// Situation 2.
#[test]
fn a_frustrated_customer_is_found_at_the_first_message_and_at_every_further_one() {
    let turns = [
        Customer("No entiendo, solo quiero UNA CITA"),
        Bot("Claro, ¿para qué servicio?"),
        Customer("YA TE DIJE, CORTE DE PELO"),
        Bot("Perfecto, ¿qué día prefieres?"),
        Customer("NO FUNCIONA ESTO"),
    ];
    let found = findings(&turns);
    assert_eq!(rules(&turns), [(1, Rule::Frustration), (3, Rule::Frustration), (5, Rule::Frustration)]);
    assert!(found.iter().all(|(_, finding)| finding.act == Act::Pause));
    assert!(found.iter().all(|(_, finding)| finding.reason == PauseReason::FrustratedCustomer));
    let phrases: Vec<_> = found.into_iter().filter_map(|(_, finding)| finding.evidence.phrase).collect();
    assert_eq!(phrases, ["no entiendo", "ya te dije", "no funciona"]);
}

#[test]
fn the_symptoms_of_frustration_are_found_each_by_itself() {
    for (text, rule) in [
        ("no entiendo", Rule::Frustration),
        ("error", Rule::Frustration),
        ("no funciona", Rule::Frustration),
        ("¿hay alguien ahí?", Rule::NobodyThere),
        ("QUIERO QUE ME ATIENDAN BIEN", Rule::Shouting),
    ] {
        let finding = alone(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((finding.rule, finding.act), (rule, Act::Pause), "{text}");
    }
}

#[test]
fn a_greeting_as_a_question_asks_for_somebody_only_after_silence() {
    assert_eq!(rules(&[Customer("Hola?"), Bot("¡Hola!"), Customer("hola?")]), []);
    assert_eq!(rules(&[Customer("quiero un turno"), Customer("hola???")]), [(2, Rule::NobodyThere)]);
}

#[test]
fn who_always_writes_in_capitals_does_not_shout() {
    let habit = [Customer("BUENAS TARDES DOCTOR"), Bot("¡Hola!"), Customer("QUIERO UN TURNO PARA EL MARTES")];
    assert_eq!(rules(&habit), []);
    let raised = [Customer("Buenas tardes doctor"), Bot("¡Hola!"), Customer("QUIERO UN TURNO PARA EL MARTES")];
    assert_eq!(rules(&raised), [(3, Rule::Shouting)]);
    let habit_and_more = [Customer("BUENAS TARDES DOCTOR"), Bot("¡Hola!"), Customer("QUIERO UN TURNO YA!!")];
    assert_eq!(rules(&habit_and_more), [(3, Rule::Shouting)]);
}

/// Situation 3.
#[test]
fn complex_queries_are_suggested() {
    for text in [
        "¿Puedo agendar para 3 personas al mismo tiempo?",
        "Tengo una discapacidad, ¿tienen accesibilidad?",
        "¿Aceptan seguro médico?",
        "Necesito hablar con el dueño",
    ] {
        let finding = alone(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((finding.rule, finding.act), (Rule::ComplexQuery, Act::Suggest), "{text}");
        assert_eq!(finding.reason, PauseReason::ComplexQuery);
    }
}

#[test]
fn a_question_for_a_price_is_a_complex_query_until_the_tenant_says_that_the_bot_knows_prices() {
    let text = "¿Cuánto cuesta el servicio X?";
    let finding = alone(text).unwrap();
    assert_eq!((finding.rule, finding.act), (Rule::PriceQuestion, Act::Suggest));
    assert_eq!(finding.reason, PauseReason::ComplexQuery);
    let mut policy = Policy::default();
    policy.set_act(Rule::PriceQuestion, Act::Off);
    assert_eq!(detect(&policy, &Memory::default(), id(1), text), None);
}

/// Situation 4.
#[test]
fn complaints_pause_at_once() {
    for (text, phrase) in [
        ("El corte que me hicieron la semana pasada quedó mal", "quedo mal"),
        ("Me cobraron de más", "cobraron de mas"),
        ("El peluquero fue grosero", "grosero"),
        ("Quiero cancelar mi suscripción", "cancelar … suscripcion"),
    ] {
        let finding = alone(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((finding.rule, finding.act), (Rule::Complaint, Act::Pause), "{text}");
        assert_eq!(finding.reason, PauseReason::Complaint);
        assert_eq!(finding.evidence, Evidence::single(id(1), Some(phrase.to_owned())));
    }
}

/// Situation 5.
#[test]
fn staffs_first_message_in_a_quiet_conversation_is_proactive() {
    let (policy, mut memory) = (Policy::default(), Memory::default());
    let (day, hour) = (Some(Duration::from_hours(24)), Some(Duration::from_hours(1)));
    let finding = proactive(&policy, &memory, id(1), None).unwrap();
    assert_eq!((finding.rule, finding.act), (Rule::ProactiveSend, Act::Suggest));
    assert_eq!(finding.reason, PauseReason::ProactiveMessage);
    assert_eq!(finding.evidence, Evidence::single(id(1), None));

    memory.customer_said(id(1), "hola");
    assert_eq!(proactive(&policy, &memory, id(2), day), None, "the customer waits: it is an answer");
    memory.bot_said(id(2), "¡Hola!");
    assert_eq!(proactive(&policy, &memory, id(3), hour), None, "the conversation is not quiet");
    assert!(proactive(&policy, &memory, id(3), day).is_some());
    memory.staff_said();
    assert_eq!(proactive(&policy, &memory, id(4), day), None, "it is not the first");
    memory.customer_said(id(5), "gracias");
    memory.bot_said(id(6), "¡A ti!");
    assert!(proactive(&policy, &memory, id(7), day).is_some());
}

#[test]
fn what_pauses_wins_over_what_is_suggested_and_a_complaint_over_all() {
    assert_eq!(alone("no entiendo, aceptan obra social?").unwrap().rule, Rule::Frustration);
    assert_eq!(alone("NO FUNCIONA, ME COBRARON DE MÁS, quiero hablar con el dueño").unwrap().rule, Rule::Complaint);
    let mut policy = Policy::default();
    policy.set_act(Rule::Complaint, Act::Suggest);
    let found = detect(&policy, &Memory::default(), id(1), "no funciona y me cobraron de más").unwrap();
    assert_eq!((found.rule, found.act), (Rule::Frustration, Act::Pause));
}
