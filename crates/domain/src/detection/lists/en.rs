//! English.

use super::Brought;
use crate::detection::rule::{List, Rule};

pub(super) const LISTS: &[Brought] = &[
    (Rule::Complaint, List::Phrases, COMPLAINT),
    (Rule::Complaint, List::Exceptions, NO_COMPLAINT),
    (Rule::Frustration, List::Phrases, FRUSTRATION),
    (Rule::Frustration, List::Exceptions, NO_FRUSTRATION),
    (Rule::NobodyThere, List::Phrases, NOBODY),
    (Rule::NobodyThere, List::Exceptions, SOMEBODY),
    (Rule::Shouting, List::Phrases, MEANT),
    (Rule::Shouting, List::Exceptions, HARMLESS),
    (Rule::ComplexQuery, List::Phrases, COMPLEX),
    (Rule::PriceQuestion, List::Phrases, PRICE),
];

const COMPLAINT: &[&str] = &[
    "complaint/complaints/complain",
    "overcharged/overcharging/overcharge",
    "charged/billed .. twice/double",
    "charged/billed .. too much",
    "charged/billed me for",
    "rude/disrespectful/unprofessional",
    "refund",
    "money back",
    "cancel .. subscription/membership/contract/plan",
    "terrible/awful/horrible/bad/worst/poor/appalling service/experience/job/treatment",
    "came/turned out awful/terrible/horrible/bad/wrong",
    "arrived/came damaged/broken/late/incomplete/cold",
    "never arrived/came/delivered",
    "wrong order/item/size/product",
    "ripped off",
    "scam/scammed/scammers/fraud",
    "unacceptable/disgusting/disgraceful",
    "very/really/so/extremely disappointed/unhappy/dissatisfied",
    "my lawyer",
    "bad review",
    "treated me badly",
    "hurt/burned/burnt me",
];

const NO_COMPLAINT: &[&str] =
    &["no/any/without complaint/complaints", "nothing to complain", "cant/cannot complain", "not a/my complaint"];

const FRUSTRATION: &[&str] = &[
    "dont/didnt/cant/not understand/understanding",
    "doesnt/dont/not/isnt/didnt .. understand me",
    "doesnt/dont/didnt/not/isnt/wont work/working",
    "error/errors",
    "already told/said/sent/answered/explained",
    "not what i asked/said/want/wanted",
    "not/didnt .. asked/ask for this/that",
    "useless/pointless/ridiculous",
    "same thing/answer/message again",
    "sending me the same",
    "over and over",
    "confused/confusing/frustrated/frustrating/annoying/annoyed",
    "sick/tired/fed of/up",
    "been trying/waiting for",
    "waste/wasting of/my time",
    "stupid/dumb/idiot/damn/wtf/shit/fuck*",
    "how many times",
    "keeps failing/crashing/freezing",
    "this is impossible",
];

const NO_FRUSTRATION: &[&str] = &[
    "my error",
    "error was mine",
    "no/without error/errors",
    "by error",
    "i made an/some error",
    "my .. doesnt/isnt/not work/working",
];

const NOBODY: &[&str] = &[
    "anybody/anyone/someone/somebody there/here",
    "anybody/anyone home/reading/listening",
    "are you .. there",
    "can/could/will anyone/anybody/someone/somebody answer/reply/respond/help",
    "nobody/noone answers/replies/responds/answering",
    "no one answers/replies/responds",
    "why .. not answering/replying/responding",
    "please answer/reply/respond",
];

const SOMEBODY: &[&str] = &["anyone/someone there/here who/that/on/at/for"];

const MEANT: &[&str] = &["need/want/not/dont/why/where/when/how/stop/never/you/answer/asked/told"];

const HARMLESS: &[&str] = &["street/road/avenue/floor/flat", "thanks/please/sorry/hello/morning/happy/thank"];

const COMPLEX: &[&str] = &[
    "talk/speak .. human/person/agent/owner/manager/someone/somebody/operator/supervisor/representative",
    "real person/human",
    "human being",
    "insurance",
    "wheelchair/disability/disabled/accessible/accessibility",
    "at the same time",
    "2/3/4/5/6/two/three/four/five/six people/persons",
    "group booking",
    "pregnant/pacemaker",
    "im/am diabetic/allergic/autistic/deaf/blind",
];

const PRICE: &[&str] = &[
    "how much is/are/does/do/for/would",
    "what/whats .. price/prices/cost/costs/fee/fees",
    "what does/do .. cost",
    "price of/for/list",
    "^ price/prices $",
];
