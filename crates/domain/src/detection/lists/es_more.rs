//! Spanish: is anybody there, capitals, what a bot cannot know, and prices.

use super::Brought;
use crate::detection::rule::{List, Rule};

pub(super) const LISTS: &[Brought] = &[
    (Rule::NobodyThere, List::Phrases, NOBODY),
    (Rule::NobodyThere, List::Exceptions, SOMEBODY),
    (Rule::Shouting, List::Phrases, MEANT),
    (Rule::Shouting, List::Exceptions, HARMLESS),
    (Rule::ComplexQuery, List::Phrases, COMPLEX),
    (Rule::ComplexQuery, List::Exceptions, NOT_COMPLEX),
    (Rule::PriceQuestion, List::Phrases, PRICE),
    (Rule::PriceQuestion, List::Exceptions, NO_PRICE),
];

const NOBODY: &[&str] = &[
    "hay alguien",
    "alguien ahi/aca/aqui",
    "alguien me/nos .. responde/contesta/atiende/ayuda/lee/responder/contestar/atender/ayudar/leer",
    "alguien que .. responda/conteste/atienda/ayude",
    "alguien contesta/responde/atiende/vivo",
    "me/nos lee/leen/escucha alguien",
    "no hay nadie",
    "nadie .. contesta/contestan/responde/responden/atiende/atienden/ayuda",
    "no .. contesta/responde/atiende nadie",
    "me/nos contestan/responden/contestas/respondes/contesta/responde",
    "me/nos puede/pueden/podrian/podria/podes/puedes responder/contestar",
    "que/porque no contestan/responden/contesta/responde",
    "no me/nos contestan/responden/contesta/responde",
    "siguen/sigue/sigues/seguis/seguimos .. ahi",
    "^ estan/estas/esta ahi $",
    "hola estan/estas/esta ahi",
    "^ siguen $",
];

const SOMEBODY: &[&str] = &[
    "hay alguien que/disponible/para/con",
    "alguien me recomend*",
    "alguien que .. responda/conteste/atienda .. los/el/sabados",
    "si nadie .. contesta/responde",
    "me/nos responden/contestan cuando/despues/luego",
    "cuando .. me/nos responden/contestan",
];

const MEANT: &[&str] = &[
    "no/ya/quiero/necesito/exijo/queremos/basta/urge/urgente",
    "me/te/les/esto/eso/estoy/llevo/soy",
    "por que",
    "donde/cuando/cuanto/quien/como/hasta",
    "que me/les/nos/pasa/hago",
    "nadie/nunca/siempre/ahora/alguien/otra",
    "dije/puse/pedi/pague/compre/mande",
    "respond*/contest*/atiend*/solucion*/llamen/llamenme/devuelv*",
];

const HARMLESS: &[&str] = &[
    "calle/avenida/av/avda/piso/depto/dpto/barrio/colonia/torre/lote",
    "dni/nie/cuit/cuil/curp/rfc/ruc/iban/cbu",
    "talle/talla/ref/modelo/marca/codigo",
    "gracias/felicidades/feliz/felicitaciones/saludos/bendiciones",
    "por favor",
    "hola/buenas/disculpe/disculpa/perdon",
    "buenos/buen dias/dia",
];

const COMPLEX: &[&str] = &[
    // Groups.
    "para 2/3/4/5/6/7/8/9/10/12/dos/tres/cuatro/cinco/seis/siete/ocho/diez .. personas/adultos/ninos/pacientes/amigas/chicas",
    "somos dos/tres/cuatro/cinco/seis/2/3/4/5/6 .. y/que/queremos/personas/amigas/amigos",
    "personas juntas/juntos",
    "al mismo tiempo",
    "ir/vamos/entrar/atendernos .. juntas/juntos",
    "dos/tres/cuatro/cinco/2/3/4/5/todos/todas/varias a la vez",
    "a la misma hora",
    "boda/casamiento/despedida/quinceanera",
    "para un/una evento/grupo/empresa/fiesta/colegio",
    "para eventos/grupos/empresas",
    // Accessibility and health.
    "discapaci*/accesib*",
    "silla/sillas de ruedas",
    "rampa/ascensor/elevador para/de/hay",
    "tienen/hay/tenes/cuentan .. rampa/ascensor/elevador/acceso",
    "movilidad reducida",
    "soy/es/persona/personas/tiene/mi .. sord*/cieg*/autis*/invidente",
    "autismo/asperger",
    "embarazada/embarazo/lactan*/amamant*",
    "marcapasos/diabet*/epilep*/hipertens*/quimio*",
    "soy/tengo .. alergi*",
    "me operaron/recetaron",
    // Who pays.
    "seguro/seguros medico/medicos/dental/social",
    "seguro de salud/vida/viaje/accidentes",
    "obra/obras social/sociales",
    "prepaga/prepagas/mutua/mutuas/mutual/asegurador*",
    "acept*/recib*/atiend*/trabaj*/cubr*/con/por .. mi/el/la/algun/con/por seguro/poliza/osde/imss/issste/fonasa/isapre/pami",
    "acept*/recib*/atiend*/trabaj*/cubr* .. seguro/seguros/poliza/osde/imss/issste/fonasa/isapre/pami/adeslas/sanitas/dkv/mapfre/asisa",
    "convenio/convenios",
    "factura .. a nombre/empresa",
    "factura .. con/de .. empresa/datos/sociedad",
    "por mayor/cantidad",
    "mayorista*",
    "descuento .. si llevo/compro",
    "con/entre dos/2/varias/distintas tarjetas",
    "plan/planes de pago/pagos",
    "financia*",
    // To talk to somebody.
    "hablar/comunicar*/contactar .. dueno/duena/gerente/encargad*/persona/humano/asesor*/agente/operador*/supervisor*/responsable/alguien/jefe/jefa/director*/ejecutiv*",
    "pasa*/pase*/comunica*/comuniq*/comunique*/deriva*/transfi* .. con/a .. dueno/duena/gerente/encargad*/persona/humano/asesor*/agente/operador*/supervisor*/responsable/jefe/jefa/director*/ejecutiv*",
    "persona/humano/alguien real/de/humana verdad/hueso",
    "persona real",
    "persona/ser de carne",
    "atienda/atiende/atiendan un/una persona/humano",
    "que me .. llame/llamen/contacte/atienda .. dueno/duena/gerente/encargad*/persona/humano/asesor*/supervisor*/responsable",
];

const NOT_COMPLEX: &[&str] = &["hable/hablo/hablamos con", "no .. hablar con .. nadie", "como hablar"];

const PRICE: &[&str] = &[
    "cuanto/cuantos .. cuesta/cuestan/sale/salen/vale/valen/costaria/saldria/cobran/cobras/cobra/cobrarian",
    "cuanto es/seria/esta el/la/un/una/los/las",
    "que/q cuesta/cuestan/vale/valen",
    "que/cual .. precio/precios/valor/costo/coste/tarifa/tarifas",
    "a cuanto",
    "precio/costo/coste/valor/tarifa de/del/por",
    "lista/listado de precios",
    "me/los/sus/sin precios",
    "^ precio/precios $",
    "precios por/de/del/porfis/porfa",
];

const NO_PRICE: &[&str] =
    &["cuanto tiempo", "cuanto .. sale .. bus/tren/avion/vuelo", "buen precio", "precio de siempre"];
