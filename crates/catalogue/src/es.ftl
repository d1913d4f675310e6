### Los mensajes de Relevo para las personas, en español. Su gemelo en inglés es en.ftl.
###
### Cómo añadir uno:
### - se añade la clave en LOS DOS archivos, en el mismo grupo; una prueba falla si falta o sobra una clave o un argumento;
### - las claves son palabras en minúscula unidas por guiones, de lo general a lo particular; solo los códigos y las palabras que
###   vienen del programa conservan su forma (`error-STALE_READ-what`, `reason-complex_query`);
### - los argumentos se escriben { $nombre }; los números que cambian palabras usan un selector con [one] y *[other];
### - un error tiene tres mensajes: -what (qué pasó), -safe (qué no se perdió), -do (qué hacer). Se muestran como un solo texto;
### - ningún mensaje lleva datos personales; los ids y los nombres de la configuración son argumentos.

## Errores, uno por código. `error()` une los tres y añade el código y los ids.

error-UNAUTHENTICATED-what = La petición no trae clave de API ni token, o trae uno que este servidor no conoce (o ya no).
error-UNAUTHENTICATED-safe = No se cambió nada.
error-UNAUTHENTICATED-do = Dé una clave válida con --api-key o RELEVO_API_KEY (por gRPC: «authorization: Bearer …»); `relevo key new` crea una.

error-FORBIDDEN-what = El rol de su credencial no permite hacer esto.
error-FORBIDDEN-safe = No se cambió nada.
error-FORBIDDEN-do = Pídalo a quien tenga el rol necesario, o haga cambiar el rol de su clave en la configuración.

error-INVALID_ARGUMENT-what = La petición tiene un campo que falta o que no es aceptable.
error-INVALID_ARGUMENT-safe = No se cambió nada.
error-INVALID_ARGUMENT-do = Corrija los campos indicados y envíela de nuevo.

error-CONVERSATION_NOT_FOUND-what = No existe esa conversación entre las que usted puede ver.
error-CONVERSATION_NOT_FOUND-safe = No se cambió nada.
error-CONVERSATION_NOT_FOUND-do = Copie el id completo de `relevo conversation list`; si es correcto, pida acceso a su canal o equipo.

error-ASSIGNEE_NOT_FOUND-what = No existe ese agente o equipo en su organización.
error-ASSIGNEE_NOT_FOUND-safe = La conversación sigue siendo de quien era.
error-ASSIGNEE_NOT_FOUND-do = Use un nombre de la configuración; `relevo config dump` los muestra.

error-ALREADY_ASSIGNED-what = La conversación ya es de { $agent_name }.
error-ALREADY_ASSIGNED-safe = No se cambió nada; su intento no se la quitó.
error-ALREADY_ASSIGNED-do = Tome otra, o pida que se la asignen.

error-CONVERSATION_RESOLVED-what = La conversación está resuelta.
error-CONVERSATION_RESOLVED-safe = No se cambió nada; su hilo completo sigue ahí.
error-CONVERSATION_RESOLVED-do = Reábrala primero.
error-TAG_UNKNOWN-what = No existe esa etiqueta.
error-TAG_UNKNOWN-safe = No se cambió nada.
error-TAG_UNKNOWN-do = Elija una etiqueta existente (relevo tag list) o créela.
error-VERSION_CONFLICT-what = Ha cambiado desde que lo consultó.
error-VERSION_CONFLICT-safe = Este comando no cambió nada.
error-VERSION_CONFLICT-do = Vuelva a consultarlo y decida de nuevo con la versión nueva.
error-CONTACT_NOT_FOUND-what = No existe ese contacto.
error-CONTACT_NOT_FOUND-safe = No se cambió nada.
error-CONTACT_NOT_FOUND-do = Compruebe el id; puede ser uno que usted no puede ver.
error-LIMIT_REACHED-what = Se alcanzó un límite.
error-LIMIT_REACHED-safe = No se cambió nada; lo que había sigue ahí.
error-LIMIT_REACHED-do = Quite lo que ya no haga falta, o inténtelo más tarde.
error-TOKEN_EXPIRED-what = Su sesión ha caducado.
error-TOKEN_EXPIRED-safe = Lo que ya se aplicó sigue aplicado.
error-TOKEN_EXPIRED-do = Obtenga un token nuevo y continúe desde la posición de este error.

error-COMMAND_ID_REUSED-what = Este id de comando ya se usó para otro comando.
error-COMMAND_ID_REUSED-safe = El primer comando vale; este no se ejecutó.
error-COMMAND_ID_REUSED-do = Envíelo de nuevo con un id de comando nuevo.

error-POSITION_INVALID-what = La posición no es una que haya dado este servidor.
error-POSITION_INVALID-safe = No se cambió nada.
error-POSITION_INVALID-do = Pase una posición tal como la dio una respuesta anterior, o ninguna.

error-STALE_READ-what = La vista ha leído el registro hasta { $applied } y no llegó a { $wanted } a tiempo.
error-STALE_READ-safe = Lo que usted escribió está a salvo en el registro; solo la vista va atrasada.
error-STALE_READ-do = Inténtelo de nuevo en un momento; si sigue así, mire `relevo view status`.

error-CURSOR_INVALID-what = El token de página no es nuestro, o no es de esta petición.
error-CURSOR_INVALID-safe = No se cambió nada.
error-CURSOR_INVALID-do = Use el token de la página anterior con la misma petición, o empiece por la primera página.

error-CURSOR_EXPIRED-what = El momento al que pertenece este token de página ya no se guarda (60 segundos).
error-CURSOR_EXPIRED-safe = No se cambió nada ni se saltó ninguna fila.
error-CURSOR_EXPIRED-do = Empiece de nuevo por la primera página.

error-CONTENTION-what = La conversación cambió demasiadas veces mientras se decidía el comando.
error-CONTENTION-safe = No se escribió nada.
error-CONTENTION-do = Envíelo de nuevo con el mismo id de comando.

error-OUTCOME_UNKNOWN-what = El registro no respondió a tiempo: el comando puede haberse guardado o no.
error-OUTCOME_UNKNOWN-safe = No se pierde nada, y repetirlo no puede ejecutarlo dos veces.
error-OUTCOME_UNKNOWN-do = Envíelo de nuevo con el mismo id de comando hasta que tenga respuesta.

error-LOG_UNAVAILABLE-what = No se puede acceder al registro.
error-LOG_UNAVAILABLE-safe = No se escribió nada; todo lo guardado antes está a salvo.
error-LOG_UNAVAILABLE-do = Inténtelo de nuevo en un momento; si sigue así, el operador debe revisar el servidor NATS.

error-LOG_FULL-what = El registro no tiene más espacio.
error-LOG_FULL-safe = No se escribió nada; todo lo guardado antes está a salvo.
error-LOG_FULL-do = El operador debe hacer espacio (disco o nats.max_bytes); después envíelo de nuevo.

error-TOO_LARGE-what = El contenido supera el límite de tamaño.
error-TOO_LARGE-safe = No se escribió nada.
error-TOO_LARGE-do = Envíe menos de una vez.

error-SIGNATURE_INVALID-what = La firma o el token del webhook es incorrecto.
error-SIGNATURE_INVALID-safe = No se guardó nada, para que nadie pueda falsificar mensajes.
error-SIGNATURE_INVALID-do = Compare el secreto en la configuración del proveedor con el de la configuración de Relevo.

error-ENDPOINT_NOT_FOUND-what = No hay ningún webhook en esta dirección.
error-ENDPOINT_NOT_FOUND-safe = No se guardó nada.
error-ENDPOINT_NOT_FOUND-do = Corrija la dirección en la configuración del proveedor, o añada el punto de entrada a la de Relevo.

error-PARKED_NOT_FOUND-what = No existe ese elemento apartado entre los que usted puede ver.
error-PARKED_NOT_FOUND-safe = No se cambió nada.
error-PARKED_NOT_FOUND-do = Mire `relevo intake parked`; puede que ya se haya reintentado o descartado.

error-VIEW_NOT_FOUND-what = No existe ninguna vista con ese nombre.
error-VIEW_NOT_FOUND-safe = No se cambió nada.
error-VIEW_NOT_FOUND-do = `relevo view status` las nombra.

error-LOG_DIVERGED-what = La vista se construyó con otra historia que la que tiene ahora el registro.
error-LOG_DIVERGED-safe = El registro está intacto; la vista se detiene para no mezclar dos historias.
error-LOG_DIVERGED-do = Averigüe si el registro se reemplazó o restauró; después, `relevo view rebuild`.

error-COMMIT_NOT_FOUND-what = No existe ese commit o entidad en el registro de su organización.
error-COMMIT_NOT_FOUND-safe = No se cambió nada.
error-COMMIT_NOT_FOUND-do = Revise el id o la secuencia; `relevo log tail` muestra los últimos.

error-INTERNAL-what = Ocurrió algo que no debería ocurrir.
error-INTERNAL-safe = Lo guardado antes está a salvo; no se sabe si esta petición se ejecutó.
error-INTERNAL-do = Repetirla con el mismo id de comando es seguro. El registro del operador tiene los detalles.

## Qué tiene de malo un campo de una petición.

field-required = es obligatorio
field-negative = no puede ser negativo
field-above = debe ser como máximo { $max }
field-id = no es un id del tipo esperado
field-name = no es un nombre (minúsculas, cifras y guiones, como máximo 32)
field-unknown-word = no es uno de los valores conocidos
field-republish-subject = debe ser relevo.republish.<su tenant>.<nombre>, con letras minúsculas, dígitos, _ y - en el nombre
field-metric = no es el nombre de una métrica
field-span = debe ser posterior al comienzo
field-filter-long = tiene más de 100 valores de un mismo tipo
field-actor = no es un actor: staff:<nombre>, bot:<nombre>, <nombre>, customer, phone_app, provider o system
field-speed = debe estar entre 0 y 1.000.000
field-replay-subject = debe ser relevo.replay.<su tenant>.<nombre>, con letras minúsculas, dígitos, _ y - en el nombre
field-day = no es un día escrito AAAA-MM-DD
field-day-order = no puede ser anterior al primer día
field-days-above = abarca más de { $max } días
field-not-together = no puede darse junto con { $other }
field-whole-tenant = no tiene sentido con un rol que ve toda la organización
field-too-many = tiene más de { $max } valores
field-tag = no es ni el id ni el nombre de una etiqueta
field-future = está en el futuro
field-command-id = debe tener de 1 a 128 caracteres ASCII visibles
field-too-long = tiene más de { $max } caracteres
field-own-reason = es un motivo que solo da el propio Relevo
field-until = debe estar en el futuro, a { $max } días como máximo
field-time = no es una hora válida
field-line = debe tener de 1 a { $max } caracteres en una sola línea
field-same-contact = debe ser otro contacto
field-tag-name = debe tener de 1 a 40 caracteres en una sola línea
field-tag-name-taken = es el nombre de otra etiqueta
field-colour = no es un color escrito #rrggbb
field-create-by-name = solo puede indicarse junto con un nombre

## Encabezados de tablas. Se imprimen tal como están aquí.

table-conversation = CONVERSACIÓN
table-contact = CONTACTO
table-channel = CANAL
table-status = ESTADO
table-bot = BOT
table-assignee = ASIGNADA
table-unread = SIN LEER
table-last-message = ÚLTIMO MENSAJE
table-reason = MOTIVO
table-by = POR
table-since = DESDE
table-how = CÓMO
table-note = NOTA
table-open = ABIERTAS
table-endpoint = ENTRADA
table-kind = TIPO
table-posts = ENVÍOS
table-updates = AVISOS
table-messages = MENSAJES
table-statuses = ESTADOS
table-other-updates = OTROS
table-duplicates = DUPLICADOS
table-parked = APARTADOS
table-id = ID
table-received = RECIBIDO
table-size = TAMAÑO
table-detail = DETALLE
table-view = VISTA
table-version = VERSIÓN
table-state = ESTADO
table-position = POSICIÓN
table-lag = ATRASO
table-degraded = DEGRADADAS
table-digest = RESUMEN
table-time = HORA
table-action = ACCIÓN
table-entity = ENTIDAD
table-day = DÍA
table-hour = HORA
table-in = ENTRAN
table-out = SALEN
table-opened = NUEVAS
table-episodes = EPISODIOS
table-resolved = RESUELTAS
table-reopened = REABIERTAS
table-manual = MANUALES
table-automatic = AUTOMÁTICAS
table-count = CANTIDAD

## Los tres ejes de una conversación.

status-open = abierta
status-pending = pendiente
status-snoozed = pospuesta
status-resolved = resuelta
bot-active = Activa
bot-paused = Pausada
assignee-nobody = —
how-manual = asignada
how-claim = tomada
pause-manual = manual
pause-automatic = automática

## Por qué está pausado un bot.

reason-complex_query = consulta compleja
reason-frustrated_customer = cliente frustrado
reason-complaint = queja
reason-bot_error = error del bot
reason-proactive_message = mensaje proactivo
reason-human_takeover = lo tomó una persona
reason-bot_handoff = el bot lo derivó
reason-echo = respuesta desde el teléfono
reason-linked = la otra conversación del contacto está pausada
reason-other = otro

## Quién hizo algo.

actor-customer = cliente
actor-staff = personal
actor-bot = bot
actor-phone_app = teléfono
actor-provider = proveedor
actor-system = Relevo

## Roles de las claves de API.

role-agent = agente
role-supervisor = supervisor
role-admin = administrador
role-bot = bot
role-analyst = analista
role-ops = operaciones
role-service = servicio

## Medios.

medium-whatsapp = WhatsApp
medium-sms = SMS
medium-email = Correo

## Un mensaje sin texto, como lo muestra una lista.

kind-text = texto
kind-image = 📷 imagen
kind-video = 🎬 video
kind-audio = 🎤 audio
kind-document = 📄 documento
kind-sticker = 🏷 sticker
kind-location = 📍 ubicación
kind-contacts = 👤 contacto
kind-interactive = ☑ respuesta
kind-button = ☑ botón
kind-order = 🛒 pedido
kind-system = ℹ aviso
kind-unsupported = ⚠ no admitido por WhatsApp
kind-request_welcome = 👋 abrió el chat
kind-email = ✉ correo
kind-note = 📝 nota
kind-other = { $kind }

## Hasta dónde llegó un mensaje.

delivery-queued = en cola
delivery-accepted = aceptado
delivery-sent = enviado
delivery-delivered = entregado
delivery-read = leído
delivery-played = reproducido
delivery-failed = fallido
delivery-deleted = eliminado
delivery-warning = advertencia
message-edited = editado
message-revoked = eliminado por su autor

## El hilo entre los mensajes.

timeline-episode = Empieza el episodio { $episode }
timeline-paused = { $by } pausó el bot: { $reason }
timeline-paused-automatic = El bot se pausó automáticamente: { $reason }
timeline-resumed = { $by } reactivó el bot
timeline-assigned = { $by } la asignó a { $assignee }
timeline-claimed = { $by } la tomó
timeline-resolved = { $by } la resolvió
timeline-resolved-reason = { $by } la resolvió: { $reason }
timeline-reopened = { $by } la reabrió
timeline-reopened-customer = Reabierta por el mensaje del cliente
timeline-pending = { $by } la marcó como pendiente
timeline-snoozed = { $by } la pospuso hasta { $until }
timeline-snoozed-reply = { $by } la pospuso hasta que escriba el cliente
timeline-opened = { $by } la volvió a abrir
timeline-opened-customer = Abierta de nuevo por el mensaje del cliente
timeline-opened-timer = Abierta de nuevo: llegó su hora
timeline-tag-added = { $by } agregó la etiqueta { $tag }
timeline-tag-removed = { $by } quitó la etiqueta { $tag }
timeline-priority = { $by } fijó la prioridad: { $priority }
timeline-read = { $by } la leyó
timeline-unassigned = { $by } le quitó la asignación
priority-none = ninguna
priority-low = baja
priority-normal = normal
priority-high = alta
priority-urgent = urgente

## Vistas.

view-starting = iniciando
view-catching_up = poniéndose al día
view-live = al día
view-diverged = DIVERGENTE
view-stopped = DETENIDA
view-progress = { $name }: { $done } de { $total } commits, { $rate } por segundo, faltan { $left }
view-done = { $name }: lista en { $position }
view-same = { $name }: igual al registro en { $position } ({ $keys } claves, { $digest })
view-different = { $name }: DISTINTA del registro en { $position }; primera clave distinta { $key }

## Cifras.

figure-undefined = indefinido
figure-first-response = Primera respuesta
figure-mean = promedio
figure-median = la mitad en
figure-p90 = nueve de diez en
metrics-republished = { $facts } hechos publicados de nuevo en { $subject }
metrics-republishing = { $facts } hechos hasta ahora · commit { $sequence }
table-metric = MÉTRICA
table-from = DESDE
table-group = GRUPO
table-value = VALOR
table-n = N
table-mean = PROMEDIO
table-p50 = P50
table-p90 = P90
table-p99 = P99
table-labels = ETIQUETAS
figure-p99 = 99 de 100 en
table-tab = BANDEJA
table-pending = PENDIENTES
table-snoozed = POSPUESTAS
table-paused = PAUSADAS
table-priority = PRIORIDAD
table-tags = ETIQUETAS
table-tag = ETIQUETA
table-colour = COLOR
table-customer = CLIENTE
table-identifiers = SE CONOCE COMO
table-conversations = CONVERSACIONES
table-waiting = ESPERA DESDE
table-team = EQUIPO
table-unassigned = SIN AGENTE DESDE
table-before = ANTES
table-queue = COLA
table-lasted = DURÓ
tab-mine = mías
tab-unassigned = sin asignar
tab-all = todas
status-due = vencida
list-search-truncated = Hay más coincidencias de las que se miraron: escriba algo más.
cli-done-unassign = Conversación devuelta
cli-already-unassign = Ya no era de nadie
cli-done-pending = Conversación pendiente
cli-already-pending = Ya estaba pendiente
cli-done-snooze = Conversación pospuesta
cli-already-snooze = Ya estaba pospuesta hasta entonces
cli-done-unsnooze = Conversación abierta
cli-already-unsnooze = No estaba pospuesta
cli-done-priority = Prioridad fijada
cli-already-priority = Ya tenía esa prioridad
cli-done-tag-add = Etiqueta puesta
cli-already-tag-add = Ya tenía la etiqueta
cli-done-tag-remove = Etiqueta quitada
cli-already-tag-remove = No tenía la etiqueta
cli-done-read = Marcada como leída
cli-already-read = No había nada sin leer
cli-done-tag-create = Etiqueta creada
cli-already-tag-create = Ya había una etiqueta con ese nombre
cli-done-tag-change = Etiqueta cambiada
cli-already-tag-change = La etiqueta ya era así
cli-done-tag-delete = Etiqueta borrada
cli-already-tag-delete = No había tal etiqueta
cli-done-link = Cliente vinculado
cli-already-link = Ya era ese cliente
cli-done-unlink = Cliente desvinculado
cli-already-unlink = No estaba vinculado a ningún cliente
cli-done-merge = Contactos unidos
cli-already-merge = Ya estaban unidos
cli-done-unmerge = Contactos separados
cli-already-unmerge = No estaban unidos
cli-merge-paused = El bot se pausó en: { $ids }
cli-version = versión { $version }
cli-label-priority = Prioridad
cli-label-tags = Etiquetas
cli-label-customer = Cliente
cli-label-version = Versión
cli-label-merged = Misma persona que
presence-viewing = está mirando
presence-typing = está escribiendo
kind-metric-sum = suma
kind-metric-duration = duración
kind-metric-share = proporción
kind-metric-gauge = nivel

## Listas y cantidades.

list-empty = No hay nada que mostrar.
list-more = Hay más; continúe con --page-token { $token }
count-conversations = { $n ->
    [one] { $n } conversación
   *[other] { $n } conversaciones
}
count-commits = { $n ->
    [one] { $n } commit
   *[other] { $n } commits
}
count-updates = { $n ->
    [one] { $n } aviso
   *[other] { $n } avisos
}

## Lo que responde un comando.

done-retried = { $n ->
    [one] Se entregó { $n } elemento de nuevo a la entrada.
   *[other] Se entregaron { $n } elementos de nuevo a la entrada.
}

## El cliente.

client-unreachable = No hay ningún servidor de Relevo en { $server }. No se cambió nada. Inícielo con `make run` o `relevo serve`, o indique otro con --server.
client-no-key = No se dio ninguna clave de API. No se pidió nada. Dé una con --api-key o RELEVO_API_KEY.

## `relevo serve`.

serve-ready = Relevo está listo.
serve-http = HTTP   { $address }
serve-grpc = gRPC   { $address }
serve-data = Datos  { $path }
serve-stopping = Deteniendo en orden…
serve-stopped = Detenido. Todo lo confirmado está guardado.
serve-demo = Esta es la demo: sus claves y secretos son públicos, por eso solo escucha en esta máquina.
serve-nats-no-binary = No hay ningún nats-server. No se cambió nada. Instale la versión { $wanted } o posterior (`make run` lo hace), o indique uno con nats.binary.
serve-nats-too-old = { $path } es la versión { $found }; Relevo necesita { $wanted } o posterior. No se cambió nada. Actualícelo, o indique otro con nats.binary.
serve-nats-not-runnable = { $path } no se puede ejecutar: { $reason }. No se cambió nada. Revise el archivo y sus permisos, o indique otro con nats.binary.
serve-data-in-use = La carpeta de datos { $path } está en uso por el proceso { $pid }. No se cambió nada. Detenga ese proceso, o use otra carpeta con --data-dir.
serve-io = { $path }: { $reason }. Lo guardado antes está a salvo. Revise la carpeta, sus permisos y el espacio libre en disco.
serve-nats-not-started = El nats-server no arrancó: { $reason }. Lo guardado antes está a salvo. Su registro en la carpeta de datos tiene los detalles.

## La configuración: `relevo config check`, y lo que `relevo serve` dice antes de negarse a arrancar.

config-good = La configuración es correcta: { $tenants } organizaciones, { $channels } canales, { $apps } aplicaciones de Meta, { $keys } claves de API.
config-refused = { $count ->
    [one] La configuración tiene un problema. No se cambió nada ni se arrancó nada.
   *[other] La configuración tiene { $count } problemas. No se cambió nada ni se arrancó nada.
 }
config-no-file = no existe este archivo de configuración; revise la ruta dada con --config
config-no-file-at = no existe el archivo { $path }
config-unknown-key-near = clave desconocida «{ $key }»; ¿quiso decir «{ $near }»?
config-unknown-key = clave desconocida «{ $key }»; aquí se conocen: { $known }
config-missing = falta la clave «{ $key }»
config-expected = el valor tiene otra forma; se esperaba: { $wanted }
config-twice = la clave «{ $key }» está aquí dos veces
config-url-credentials = una dirección no debe llevar usuario, contraseña ni token; escríbalos como nats.user y nats.password, o nats.token
config-unreadable = no se puede leer: { $reason }
config-name = «{ $value }» no es un nombre; use de 1 a 32 letras minúsculas sin tilde, cifras o guiones, y empiece por letra o cifra
config-secret = el secreto no se puede leer: { $reason }
config-empty-list = hace falta al menos un valor
config-duplicate = «{ $value }» ya se usa en { $other }; debe ser único
config-unknown-agent = «{ $value }» no está en { $list }; añada una entrada [[tenants.agents]] con id = "{ $value }", un nombre y un rol a la organización { $tenant }
config-unknown = «{ $value }» no está en { $list }
config-one-of = «{ $value }» no es un valor posible; use uno de: { $known }
config-too-small = { $value } es demasiado poco; al menos { $least }
config-service-keys-differ = el servicio «{ $value }» tiene otra clave en { $other }; las claves de un mismo servicio deben conceder los mismos roles, canales y equipos
config-needs = solo tiene sentido junto con { $other }; añada esa clave o quite esta
config-excludes = no se puede usar junto con { $other }; quite una de las dos
config-address = «{ $value }» no es una dirección IP con puerto, como 127.0.0.1:8480
config-url = «{ $value }» no es una dirección base http:// o https:// sin parámetros
config-origin = “{ $value }” no es un origen, como https://mesa.example.com (esquema, servidor y, si hace falta, puerto; en minúsculas; nada detrás)
config-too-large = { $value } es demasiado; como máximo { $most }
config-token-key = una clave de firma necesita al menos { $least } bytes
config-jwks-url = la dirección de las claves debe empezar por https:// (o http:// en loopback)
config-issuer-own = “relevo” es el nombre con el que firma Relevo; use el del emisor
config-time-zone = «{ $value }» no es una zona horaria conocida, como America/Argentina/Buenos_Aires
config-account-channel = «{ $value }» no nombra un canal; escriba organización/canal
config-mail-address = «{ $value }» no es una dirección de correo
config-misplaced = esta clave es de los canales de tipo { $kind }
config-key-hash = esto no es el hash de una clave de API; `relevo key new` lo imprime (sha256: y 64 cifras hexadecimales)
config-loopback-only = { $value } puede alcanzarse desde otras máquinas, y se usan secretos o claves de la demo, que son públicos; use una dirección de loopback como 127.0.0.1, o secretos propios

## `relevo key new`.

key-new-key = Clave de API nueva. Se muestra solo esta vez; guárdela en un lugar seguro:
key-new-config = Para la configuración (guarda solo el hash):

## Lo que responden los webhooks cuando el código no basta.

webhook-handshake-incomplete = Falta hub.challenge en la comprobación de la dirección. No se cambió nada. Repita la comprobación desde el panel de Meta.
webhook-too-slow = El contenido no llegó entero a tiempo. No se guardó nada. Envíelo de nuevo.
webhook-broken = La conexión se cortó antes de llegar el contenido entero. No se guardó nada. Envíelo de nuevo.
webhook-media-type = El correo venía dentro de un formulario. No se guardó nada. Envíe el correo tal cual (RFC 5322) como cuerpo de la petición.
webhook-method = Esta dirección no admite ese método. No se guardó nada. Meta y Twilio usan GET y POST; el correo, POST.
webhook-overloaded = Hay demasiado contenido llegando a la vez. No se guardó nada. Envíelo de nuevo en unos segundos.

## El arranque de `relevo serve`, continuación.

serve-log-not-reachable = El registro no se puede usar: { $reason }. Lo guardado antes está a salvo. Revise nats-server y la sección [nats] de la configuración.
serve-listen = No se puede escuchar en { $address }: { $reason }. No se cambió nada. Libere el puerto, o elija otro con --http-addr y --grpc-addr.
serve-id-key-changed = La clave de ids de la organización { $tenant } no es la que se usó hasta ahora (huella { $found } en vez de { $wanted }). No se cambió nada. Recupere { $path } de una copia: con otra clave, los mensajes repetidos parecerían nuevos.
serve-not-started = No se pudo arrancar: { $reason }. Lo guardado antes está a salvo. El registro de este proceso tiene los detalles.
serve-part-ended = Una parte del servidor terminó de improviso: { $part }. Lo confirmado está guardado. El servidor se detiene en orden; vuelva a arrancarlo. El registro de este proceso tiene los detalles.
serve-nats-gave-up = El nats-server ya no arranca. Lo confirmado está guardado. Su registro en la carpeta de datos tiene los detalles.

## La línea de comandos: lo que responde un comando.

cli-done-pause = Bot pausado
cli-done-resume = Bot reactivado
cli-done-assign = Conversación asignada
cli-done-claim = La conversación es suya
cli-done-resolve = Conversación resuelta
cli-done-reopen = Conversación reabierta
cli-done-note = Nota añadida
cli-already-pause = Ya estaba pausado
cli-already-resume = Ya estaba activo
cli-already-assign = Ya estaba asignada así
cli-already-claim = Ya era suya
cli-already-resolve = Ya estaba resuelta
cli-already-reopen = Ya estaba abierta
cli-already-note = La nota ya estaba
cli-position = posición { $position }
cli-already-claimed = Ya entregados al proveedor antes de la pausa, no se pueden detener: { $ids }
cli-repeat-command = Repetirlo es seguro con el mismo id: --command-id { $command_id }

## La línea de comandos: rótulos de una ficha.

cli-label-conversation = Conversación
cli-label-contact = Contacto
cli-label-channel = Canal
cli-label-status = Estado
cli-label-bot = Bot
cli-label-pause = Pausa
cli-label-assigned = Asignada
cli-label-unread = Sin leer
cli-label-last-message = Último mensaje
cli-label-waiting = Espera desde
cli-label-window = Ventana hasta
cli-label-position = Posición
cli-label-other-conversations = Otras conversaciones
cli-label-identifier = Conocido como
cli-label-attention = Atención
cli-label-parked = Apartado
cli-label-endpoint = Entrada
cli-label-reason = Motivo
cli-label-detail = Detalle
cli-label-received = Recibido
cli-label-intake = En la entrada
cli-label-content-type = Tipo
cli-label-size = Tamaño
cli-episode = episodio { $n }
cli-degraded = un commit no se pudo aplicar: esta fila es más antigua que el registro (`relevo view status`)

## La línea de comandos: marcas de un mensaje.

cli-flag-automatic = respuesta automática
cli-flag-bounce = rebote
cli-flag-delay = demora
cli-flag-list = lista
cli-flag-complaint = marcado como spam
cli-flag-own-loop = correo propio que volvió
cli-flag-message-id-reused = Message-ID repetido con otro contenido
cli-flag-forwarded = reenviado
cli-loose-update = sobre un mensaje que Relevo no tiene

## La línea de comandos: entrada, registro y vistas.

cli-discarded = { $n ->
    [one] { $n } elemento descartado
   *[other] { $n } elementos descartados
}
cli-retried = Guardados: { $stored } · apartados otra vez: { $parked } · posición { $position }
cli-backlog = Por procesar: { $n }
cli-unrouted = (sin canal)
cli-nothing-parked = No hay nada apartado.
cli-parked-withheld = Los bytes contienen también datos de otra organización y no se muestran.
cli-log-bounded = No se miraron los commits anteriores: la búsqueda terminó en la secuencia { $sequence }. Para verlos: --from 1
cli-log-unreadable = este commit no se puede leer
cli-log-more = Hay más; continúe con --after { $sequence }
cli-log-position = Registro: { $position }
cli-replay-progress = { $events } eventos · { $position }
cli-replay-done = { $events } eventos publicados · { $position } · { $unreadable } commits que no se pueden leer
cli-audit-unreadable = Commits revisados que no se pueden leer: { $n }. No se sabe de qué tratan.
log-problem-undecodable = { $sequence }: este commit no se puede leer
log-problem-missing = { $sequence }…{ $through }: no hay nada guardado
log-problem-version = { $sequence }: { $entity } tiene la versión { $found } donde debía venir la { $expected }
log-problem-version-elsewhere = { $sequence }: falta o se repite una versión de una entidad de otro tenant
log-problem-hash = { $sequence }: { $entity } no sigue al commit anterior: su hash es otro
log-problem-unknown = { $sequence }: un problema que este programa no conoce
log-setting-differs = { $stream }: { $setting } es { $found } en lugar de { $wanted }
log-setting-unknown = { $setting }: no se conoce, está en la configuración del servidor NATS (debería ser { $wanted })
log-intact = registro íntegro: { $commits } commits, { $events } eventos, { $entities } entidades, { $position }, 0 problemas
log-broken = registro NO íntegro: { $commits } commits, { $events } eventos, { $entities } entidades, { $position }, { $problems } problemas, { $settings } ajustes cambiados

## La línea de comandos: la demo.

cli-demo-played = Tráfico de muestra: { $posts } envíos firmados; respuestas: { $answers }
cli-demo-refused = { $refused } envíos no se aceptaron. Lo aceptado está guardado. Compare los secretos de la configuración con los del servidor; `relevo demo play` con la misma semilla no guarda nada dos veces.
cli-demo-unreachable = Nadie recibe webhooks en { $http } ({ $reason }). Lo que se aceptó antes está guardado. Inicie Relevo con `make run` o `relevo serve --demo`, o indique la dirección con --http.
cli-demo-no-endpoints = La configuración no tiene un canal de cada tipo (meta, twilio, email con una dirección). No se envió nada. Use la de la demo (sin --config) o añada los que faltan.

## La línea de comandos: lo que falla antes o después del servidor.

cli-timed-out = { $server } no respondió en { $time }. No se pierde nada de lo confirmado. Repita, o dé más tiempo con --timeout.
cli-broken = La conexión con { $server } se cortó antes de la respuesta. Lo confirmado está a salvo; no se sabe si esto último se hizo. Repítalo en un momento.
cli-strange = En { $server } respondió algo que no es Relevo ({ $code }: { $message }). No se sabe si se hizo algo. Revise --server: es la dirección gRPC, no la HTTP.
cli-unimplemented = El servidor de { $server } no conoce esta función. No se hizo nada. Use la misma versión de Relevo en el servidor y aquí (`relevo --version`).
cli-bad-key = La clave de API tiene caracteres que no se pueden enviar. No se pidió nada. Cópiela de nuevo en --api-key o RELEVO_API_KEY.
cli-bad-server = «{ $server }» no es una dirección que se pueda usar. No se pidió nada. Escriba --server http://máquina:puerto (gRPC sin TLS).
cli-bad-value = { $name }: «{ $value }» no sirve. No se pidió nada. Escriba { $expected }.
cli-view-different = Al menos una vista no es lo que dice el registro. El registro está intacto. Guarde esta salida y reconstruya con `relevo view rebuild`.
cli-output = La respuesta no se pudo escribir: { $error }. Lo que se pidió está hecho. Revise a dónde va la salida.

# Métricas por nombre.
metric-messages-in = Mensajes recibidos
metric-messages-out = Mensajes enviados
metric-conversations-opened = Conversaciones nuevas
metric-episodes-started = Episodios iniciados
metric-episodes-resolved = Episodios resueltos
metric-episodes-reopened = Episodios reabiertos
metric-first-response-human = Primera respuesta de una persona
metric-first-response-any = Primera respuesta
metric-next-response = Respuestas siguientes
metric-resolution-first = Tiempo hasta la primera resolución
metric-resolution-full = Tiempo hasta la última resolución
metric-backlog = Conversaciones sin resolver
metric-agent-open-time = Tiempo abierta con un agente
metric-intervention = Conversaciones con pausa manual
metric-pauses = Pausas del bot
metric-pause-resolution = Tiempo para resolver lo pausado
metric-delivery-reports = Avisos de entrega
metric-delivery-to-delivered = De enviado a entregado
metric-delivery-to-read = De entregado a leído
