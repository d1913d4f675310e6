//! Words of all languages that say nothing about the matter, and words that mean the same.

/// What greets or calls: alone and as a question it asks whether anybody is there.
pub(in crate::detection) const GREETINGS: &[&str] =
    &["hola", "ola", "alo", "buenas", "hello", "hi", "hey", "oi", "oye", "oigan", "disculpen", "perdon", "eo"];

/// Words that mean the same in what customers ask a business for; each is known by the first.
pub(in crate::detection) const SYNONYMS: &[(&str, &[&str])] = &[
    (
        "cita",
        &[
            "cita",
            "citas",
            "turno",
            "turnos",
            "reserva",
            "reservar",
            "agendar",
            "hora",
            "horario",
            "appointment",
            "booking",
            "book",
            "marcar",
        ],
    ),
    (
        "precio",
        &["precio", "precios", "cuesta", "cuestan", "sale", "costo", "coste", "price", "cost", "preco", "custa"],
    ),
    ("pedido", &["pedido", "pedidos", "orden", "paquete", "encargo", "compra", "order", "parcel", "encomenda"]),
    ("lugar", &["direccion", "ubicacion", "ubicados", "queda", "quedan", "address", "endereco"]),
    ("factura", &["factura", "boleta", "recibo", "ticket", "invoice", "fatura"]),
];

/// Small talk, folded and sorted.
#[rustfmt::skip]
pub(in crate::detection) const SMALL_TALK: &[&str] = &[
    "aca", "ah", "ahi", "ahora", "ai", "ainda", "aja", "al", "algo", "algun", "alguna", "alguno", "all", "alli",
    "also", "am", "amiga", "amigo", "an", "and", "ante", "any", "ao", "aos", "aquel", "aquella", "aqui", "are", "as",
    "asi", "at", "aun", "be", "been", "bem", "bien", "boa", "bom", "bueh", "buen", "buena", "buenas", "bueno",
    "buenos", "but", "by", "can", "che", "claro", "com", "como", "con", "consultar", "contra", "could", "cual",
    "cuales", "cuando", "cuanta", "cuanto", "da", "dale", "dame", "dan", "dar", "das", "de", "decime", "decir", "del",
    "deme", "desde", "dia", "dias", "did", "diga", "digan", "digo", "dime", "disculpa", "disculpe", "do", "does",
    "donde", "dos", "eh", "el", "ela", "ele", "ella", "ello", "ellos", "em", "en", "entonces", "entre", "era", "es",
    "esa", "esas", "ese", "eso", "esos", "essa", "esse", "esta", "estan", "estar", "estas", "este", "esto", "estos",
    "estou", "estoy", "eu", "favor", "for", "from", "fue", "genial", "get", "gostaria", "got", "gracias", "gusta",
    "gustaria", "ha", "haber", "habra", "hace", "hacen", "hacer", "haces", "hacia", "had", "hago", "han", "has",
    "hasta", "have", "hay", "he", "hello", "her", "here", "hey", "hi", "his", "hola", "holis", "how", "id", "if",
    "igual", "im", "in", "ir", "is", "isso", "isto", "it", "its", "ive", "ja", "jaja", "jajaja", "jeje", "just", "la",
    "las", "le", "les", "like", "listo", "lo", "los", "luego", "mais", "mal", "mas", "may", "me", "meu", "mi",
    "might", "minha", "mira", "mis", "misma", "mismo", "muito", "must", "muy", "my", "na", "nada", "nao", "nas",
    "necesita", "necesitamos", "necesito", "need", "ni", "no", "noches", "nop", "nos", "nosotros", "not", "obrigada",
    "obrigado", "of", "oi", "oiga", "ok", "oka", "okay", "okey", "ola", "on", "onde", "only", "or", "os", "otra",
    "otro", "ou", "our", "oye", "para", "perdon", "perfecto", "pero", "please", "pode", "podem", "podemos", "poder",
    "podes", "podria", "podrian", "por", "porfa", "porfavor", "porfi", "porfis", "porque", "posso", "pra",
    "precisaba", "preciso", "pregunta", "pregunto", "pro", "puede", "pueden", "puedes", "puedo", "pues", "qual",
    "quando", "que", "quem", "queremos", "queria", "quero", "querria", "quien", "quiere", "quieren", "quiero",
    "quisiera", "saber", "se", "sea", "segun", "sem", "senor", "senora", "senorita", "ser", "seria", "seu", "shall",
    "she", "should", "si", "sim", "sin", "sip", "so", "sobre", "solamente", "solo", "some", "son", "su", "sua", "sus",
    "tambem", "tambien", "tan", "tardes", "te", "tem", "tenemos", "tener", "tenes", "tengo", "tenho", "ter", "thank",
    "thanks", "that", "the", "their", "then", "there", "these", "they", "this", "those", "tiene", "tienen", "tienes",
    "to", "toda", "todas", "todavia", "todo", "todos", "too", "tras", "tu", "tudo", "tus", "um", "uma", "umas", "un",
    "una", "unas", "unos", "uns", "us", "usted", "ustedes", "va", "vale", "vamos", "van", "ver", "very", "vez",
    "voce", "voces", "vos", "voy", "want", "was", "we", "well", "were", "what", "when", "where", "which", "who",
    "why", "will", "with", "would", "xfa", "ya", "yes", "yo", "you", "your",
];
