//! Portuguese, as it is written in Brazil.

use super::Brought;
use crate::detection::rule::{List, Rule};

pub(super) const LISTS: &[Brought] = &[
    (Rule::Complaint, List::Phrases, COMPLAINT),
    (Rule::Complaint, List::Exceptions, NO_COMPLAINT),
    (Rule::Frustration, List::Phrases, FRUSTRATION),
    (Rule::Frustration, List::Exceptions, NO_FRUSTRATION),
    (Rule::NobodyThere, List::Phrases, NOBODY),
    (Rule::Shouting, List::Phrases, MEANT),
    (Rule::Shouting, List::Exceptions, HARMLESS),
    (Rule::ComplexQuery, List::Phrases, COMPLEX),
    (Rule::PriceQuestion, List::Phrases, PRICE),
];

const COMPLAINT: &[&str] = &[
    "reclamacao/reclamacoes/reclamar",
    "cobr* a mais",
    "cobrado/cobrada/cobraram .. duas/dobro/indevid*/vezes",
    "grosso/grossa/grosseir*",
    "mal educad*",
    "falta de respeito",
    "mal atendid*",
    "pessim*",
    "atendimento .. ruim/horrivel/terrivel",
    "ficou/ficaram/saiu .. horrivel/ruim/feio/pessimo/torto/mal",
    "cancelar .. assinatura/plano/contrato/linha",
    "dinheiro de volta",
    "reembols*/estorno",
    "procon",
    "chegou/chegaram/veio .. quebrad*/errad*/danificad*/defeito/incomplet*/frio/fria",
    "nunca chegou",
    "ainda nao chegou",
    "enganad*/enganaram",
    "uma vergonha/palhacada",
    "decepcionad*/insatisfeit*",
    "nunca mais volto",
    "me trataram mal",
    "processar voces",
];

const NO_COMPLAINT: &[&str] =
    &["sem/nenhuma reclamacao/reclamacoes", "nao tenho/tive .. reclamacao/reclamacoes/reclamar", "nada a reclamar"];

const FRUSTRATION: &[&str] = &[
    "nao/n .. entendi/entendo/entendendo/entende",
    "nao/n .. funciona/funcionou/funcionando",
    "erro/erros",
    "ja falei/disse/respondi/expliquei/mandei",
    "ja .. falei/disse/expliquei",
    "que/to/com raiva/saco",
    "nao consigo",
    "nao .. ajuda/ajudando",
    "nao foi/e isso/o .. perguntei/pedi",
    "cansad* de",
    "perda de tempo",
    "inutil/ridicul*/absurdo/burro/burra",
    "sempre a mesma",
    "estou/to .. confus*/perdid*",
    "estou/to tentando .. horas/tempo",
    "merda/porra/caralho/droga",
];

const NO_FRUSTRATION: &[&str] =
    &["erro .. meu/minha", "meu erro", "por erro", "sem erro/erros", "nao consigo ir/chegar"];

const NOBODY: &[&str] = &[
    "alguem ai/aqui",
    "tem alguem",
    "alguem .. responder/responde/atende/atender/ajudar",
    "ninguem .. responde/atende/responder",
    "voces/voce estao/esta ai",
    "me respond*",
];

const MEANT: &[&str] = &["quero/preciso/nao/cade/onde/quando/isso/agora/chega/respondam/nunca"];

const HARMLESS: &[&str] = &["rua/avenida/apto/bairro/cpf/cep/cnpj", "obrigad*/parabens/desculpe/boa/bom"];

const COMPLEX: &[&str] = &[
    "falar com .. atendente/gerente/dono/dona/humano/pessoa/responsavel/alguem/supervisor*",
    "pessoa/humano de verdade",
    "pessoa real",
    "convenio/convenios/seguro/plano de/medico saude",
    "convenio/convenios",
    "plano de saude",
    "cadeirante/deficiencia/acessibilidade",
    "cadeira de rodas",
    "ao mesmo tempo",
    "para 2/3/4/5/6/duas/tres/quatro/cinco pessoas",
    "gravida/marcapasso",
];

const PRICE: &[&str] = &[
    "quanto .. custa/custam/fica/sai/cobram/cobra",
    "quanto e o/a",
    "qual .. valor/preco",
    "preco/valor do/da",
    "tabela de precos",
    "^ preco/precos/valor $",
];
