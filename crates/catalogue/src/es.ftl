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

error-WINDOW_CLOSED-what = El último mensaje del cliente tiene más de 24 horas, o no hay ninguno: solo puede enviarse una plantilla.
error-WINDOW_CLOSED-safe = No se envió nada ni se consultó al proveedor.
error-WINDOW_CLOSED-do = Envíe una de las plantillas aprobadas que se indican; cuando el cliente responda, podrá escribir libremente de nuevo.

error-STALE_VIEW-what = Otra persona le escribió al cliente desde su última consulta.
error-STALE_VIEW-safe = Su mensaje no se envió; el de esa persona, sí.
error-STALE_VIEW-do = Lea lo que escribió; si el suyo sigue haciendo falta, envíelo de nuevo con `force` y un id de comando nuevo.

error-BOT_PAUSED-what = El bot está en pausa en esta conversación, y por eso calla.
error-BOT_PAUSED-safe = No se envió nada; lo que el cliente escribe se sigue guardando y mostrando a las personas.
error-BOT_PAUSED-do = Espere a que alguien reanude el bot; no repita el mensaje antes.

error-NOT_PAUSED-what = El bot de esta conversación no está pausado.
error-NOT_PAUSED-safe = No se cambió nada.
error-NOT_PAUSED-do = Páuselo primero, con las condiciones que desee.
error-TURN_ENDED-what = El turno del bot en esta conversación terminó.
error-TURN_ENDED-safe = No se envió nada.
error-TURN_ENDED-do = No lo repita; si aún queda algo por responder, el bot recibe otro turno.
error-SUGGESTION_NOT_FOUND-what = No hay tal sugerencia en esta conversación, o ya fue respondida.
error-SUGGESTION_NOT_FOUND-safe = No se cambió nada.
error-SUGGESTION_NOT_FOUND-do = Mire de nuevo la lista de sugerencias.
error-PAUSE_LOCKED-what = Solo un supervisor puede reactivar este bot o cambiar su pausa.
error-PAUSE_LOCKED-safe = No se cambió nada: el bot sigue en silencio.
error-PAUSE_LOCKED-do = Pida a un supervisor que lo reactive.
error-BULK_NOT_FOUND-what = No existe esa operación masiva.
error-BULK_NOT_FOUND-safe = No se cambió nada.
error-BULK_NOT_FOUND-do = Mire la lista de sus operaciones masivas.
error-BULK_RUNNING-what = Esta operación masiva todavía está en curso.
error-BULK_RUNNING-safe = Sigue adelante; no se deshizo nada.
error-BULK_RUNNING-do = Espere a que termine y después deshágala.
error-PAIR_RATE-what = Hay demasiados mensajes a este cliente esperando su envío ({ $waiting }).
error-PAIR_RATE-safe = Este no se puso en la cola; los que esperan se enviarán en su orden.
error-PAIR_RATE-do = Espere unos segundos y envíelo de nuevo.

error-TEMPLATE_NOT_FOUND-what = El canal no tiene ninguna plantilla con ese nombre en ese idioma.
error-TEMPLATE_NOT_FOUND-safe = No se envió nada.
error-TEMPLATE_NOT_FOUND-do = Elija una de `relevo template list`; una nueva en el proveedor aparece allí en menos de una hora, y enseguida después de `relevo channel check`.

error-TEMPLATE_NOT_USABLE-what = La plantilla no puede usarse: el proveedor la tiene como { $status }.
error-TEMPLATE_NOT_USABLE-safe = No se envió nada.
error-TEMPLATE_NOT_USABLE-do = Elija una plantilla aprobada, o corrija esta en el proveedor y haga que la aprueben.

error-TEMPLATE_PARAMETERS-what = Las variables de la plantilla no están completadas como deben.
error-TEMPLATE_PARAMETERS-safe = No se envió nada.
error-TEMPLATE_PARAMETERS-do = Dé a cada variable un valor que no esté en blanco ni tenga saltos de línea; `relevo template preview` muestra el resultado.

error-ATTACHMENT_NOT_FOUND-what = No existe ese archivo guardado.
error-ATTACHMENT_NOT_FOUND-safe = No se envió nada.
error-ATTACHMENT_NOT_FOUND-do = Suba primero el archivo y use el hash de la respuesta; el archivo de un cliente puede estar todavía en camino.

error-ATTACHMENT_TOO_BIG-what = Un archivo es más grande de lo que admite el canal ({ $size_bytes } bytes; como máximo { $limit_bytes }).
error-ATTACHMENT_TOO_BIG-safe = No se envió nada.
error-ATTACHMENT_TOO_BIG-do = Envíe un archivo más pequeño, o un enlace a él.

error-ATTACHMENT_TYPE-what = El canal no admite archivos de este tipo.
error-ATTACHMENT_TYPE-safe = No se envió nada.
error-ATTACHMENT_TYPE-do = Convierta el archivo, o envíelo como documento si el canal lo admite.

error-RECIPIENT_INVALID-what = No se puede escribir a nadie con este número o dirección por este canal.
error-RECIPIENT_INVALID-safe = No se envió nada.
error-RECIPIENT_INVALID-do = Indique un número de teléfono con su código de país, o una dirección de correo en un canal de correo; nombre al destinatario si la conversación no tiene ninguno.

error-CHANNEL_NOT_FOUND-what = No existe ese canal entre los que usted puede usar.
error-CHANNEL_NOT_FOUND-safe = No se cambió nada.
error-CHANNEL_NOT_FOUND-do = Elija uno de `relevo channel list`; si es correcto, pida acceso a él.

error-CHANNEL_PAUSED-what = Alguien puso el canal en pausa: no se envía nada por él.
error-CHANNEL_PAUSED-safe = Su mensaje no se puso en la cola; los que esperan conservan su orden, y lo que llega se recibe.
error-CHANNEL_PAUSED-do = Pida a un supervisor que lo reanude (`relevo channel resume`) y envíelo de nuevo con un id de comando nuevo.

error-CHANNEL_CANNOT_SEND-what = El canal no puede enviar esto: no tiene credenciales para enviar, o no conoce este tipo de mensaje.
error-CHANNEL_CANNOT_SEND-safe = No se envió nada.
error-CHANNEL_CANNOT_SEND-do = Envíe otra cosa, o haga que se configure el canal para enviar (`relevo channel check`).

error-MESSAGE_NOT_FOUND-what = No existe ese mensaje en esta conversación, o ningún proveedor lo tiene todavía.
error-MESSAGE_NOT_FOUND-safe = No se cambió nada.
error-MESSAGE_NOT_FOUND-do = Copie el id del hilo de esta conversación; lo recién enviado puede citarse cuando esté aceptado.

error-ALREADY_HANDED_OVER-what = El proveedor tiene el mensaje, o puede tenerlo: ya no se puede retirar.
error-ALREADY_HANDED_OVER-safe = No se cambió nada.
error-ALREADY_HANDED_OVER-do = Mire su estado en el hilo; escríbale al cliente si hay que corregirlo.

error-QUICK_REPLY_NOT_FOUND-what = No existe ninguna respuesta rápida con ese nombre.
error-QUICK_REPLY_NOT_FOUND-safe = No se envió nada.
error-QUICK_REPLY_NOT_FOUND-do = Elija una de `relevo quick-reply list`.

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
upload-infected = El antivirus encontró algo en el archivo. No se guardó nada. No lo abra y pida uno limpio.
upload-incomplete = El archivo no llegó entero o llegó demasiado despacio. No se guardó nada. Envíelo de nuevo.
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
field-bulk-too-many = tiene más de 100.000 identificadores: elija con un filtro
field-bulk-selection = hay que indicarlo: un filtro que diga algo, conversaciones, o todas
field-bulk-not-a-pause = es una operación masiva que no pausó nada: no hay nada que deshacer
field-lock-and-end = no se puede dar junto con un final: una pausa bloqueada no termina sola
field-filled = debe tener de 1 a { $max } caracteres
field-time = no es una hora válida
field-line = debe tener de 1 a { $max } caracteres en una sola línea
field-same-contact = debe ser otro contacto
field-tag-name = debe tener de 1 a 40 caracteres en una sola línea
field-tag-name-taken = es el nombre de otra etiqueta
field-colour = no es un color escrito #rrggbb
field-create-by-name = solo puede indicarse junto con un nombre
field-degrees = no es un número de grados que esté en la Tierra
field-file = no es un archivo guardado: su SHA-256 en hexadecimal en minúsculas, y un tipo MIME si se indica
field-hello-twice = se dice una sola vez, al principio de la conexión
field-recipient = no puede indicarse aquí: vale el destinatario de la petición
field-address = no es una dirección de correo
field-channel-limit = falta, o no es lo que admite el canal (como máximo { $max })
field-variable-value = tiene una variable para la que ahora no se conoce ningún valor
field-variable = tiene una variable que no existe: solo contact.name, agent.name y business.name
field-detection-long = tiene más de { $max } caracteres, 10 palabras o 24 alternativas
field-detection-shape = debe empezar y terminar con una palabra y tener como máximo 2 huecos
field-detection-prefix = tiene un asterisco que no termina una palabra de al menos { $max } letras
field-detection-lists = nombra una regla que no lee listas
field-detection-many = serían más de { $max } entradas
field-detection-repeats = debe estar entre 2 y 6
field-detection-unresolved = debe estar entre 4 y 1000
field-detection-quiet = debe estar entre un minuto y 365 días
field-detection-rule = no es una regla de la detección
field-detection-act = debe ser off, suggest o pause
field-detection-language = debe ser es, en o pt
field-detection-list = debe ser phrases o exceptions
field-detection-nothing = no cambia nada: diga qué debe ser distinto
field-not-there = no es un campo de esta petición
field-twice = está dos veces
field-by-its-own = es un objeto: indique sus propios campos, como en nombre.campo=valor
field-not-in-query = va en el cuerpo, no detrás del signo de interrogación
field-not-as-in-path = no es lo que dice la ruta
field-kind-text = debe ser un texto en UTF-8
field-kind-bool = debe ser true o false
field-kind-whole = debe ser un número entero dentro de su rango
field-kind-number = debe ser un número
field-kind-bytes = debe ser base64
field-kind-time = debe ser una hora como 2026-01-31T09:00:00Z
field-kind-duration = debe ser un número de segundos como 90s
field-kind-object = debe ser un objeto
field-kind-list = debe ser una lista

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
table-rule = REGLA
table-act = ACCIÓN
table-noticed = SE NOTÓ
table-suggestion = SUGERENCIA
table-list = LISTA
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
pause-locked = bloqueada
pause-changed = condiciones cambiadas
watch-escalated = { $by } le pide que se haga cargo: { $contact } ({ $id }): { $reason }
watch-alert-unanswered = { $contact } ({ $id }) espera a una persona desde { $since }
watch-alert-paused = El bot está pausado desde { $since }: { $contact } ({ $id })
pause-until = hasta { $time }
pause-ask-question = ¿Pausar conversación con { $name }?
pause-ask-nameless = este cliente
pause-ask-silent = El bot dejará de responder automáticamente.
pause-ask-manual = Tendrá que enviar mensajes manualmente.
pause-ask-untold = No se avisa al cliente.
pause-ask-waiting = { $n ->
    [one] Se cancela un mensaje del bot que espera.
   *[other] Se cancelan { $n } mensajes del bot que esperan.
}
pause-ask-claimed = Un mensaje del bot ya se está entregando y no se puede detener.
pause-ask-cancel = Cancelar
pause-ask-confirm = Pausar conversación
resume-ask-question = ¿Reactivar bot para { $name }?
resume-ask-answers = El bot volverá a responder automáticamente.
resume-ask-unlocks = La pausa está bloqueada, y el bloqueo termina con ella.
resume-ask-locked = La pausa está bloqueada: solo un supervisor puede reactivar el bot.
resume-ask-confirm = Reactivar bot

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
kind-template = 📋 plantilla
kind-reaction = 💬 reacción
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
delivery-sending = enviándose
delivery-unknown = resultado desconocido
delivery-cancelled = cancelado
message-edited = editado
message-revoked = eliminado por su autor

## El hilo entre los mensajes.

timeline-episode = Empieza el episodio { $episode }
timeline-imported = Llegó como historial: es anterior a Relevo
timeline-paused = { $by } pausó el bot: { $reason }
timeline-paused-automatic = El bot se pausó automáticamente: { $reason }
timeline-pause-changed = { $by } cambió la pausa
timeline-escalated = { $by } pidió a { $assignee } que se haga cargo
timeline-detected = Relevo notó: { $what }
timeline-suggested = Relevo sugiere pausar el bot (sugerencia { $suggestion }): { $what }
timeline-suggestion-accepted = { $by } aceptó la sugerencia { $suggestion }
timeline-suggestion-dismissed = { $by } descartó la sugerencia { $suggestion }
rule-complaint = queja
rule-frustration = frustración
rule-nobody_there = ¿hay alguien ahí?
rule-shouting = mayúsculas
rule-repeated_answer = misma respuesta del bot
rule-repeated_question = misma pregunta
rule-complex_query = consulta compleja
rule-price_question = pregunta por un precio
rule-unresolved = muchos mensajes sin resolver
rule-proactive_send = el equipo escribió primero
timeline-alert-unanswered = se avisó al equipo: nadie respondió desde { $since } y el bot está pausado
timeline-alert-paused = se avisó al equipo: el bot está pausado desde { $since }
timeline-resumed-timer = se cumplió el tiempo de la pausa: el bot puede volver a responder
timeline-resumed = { $by } reactivó el bot
timeline-assigned = { $by } la asignó a { $assignee }
timeline-claimed = { $by } la tomó
timeline-resolved = { $by } la resolvió
timeline-resolved-reason = { $by } la resolvió: { $reason }
timeline-resolved-imported = Resuelta en el acto, por ser historial
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
metrics-republished = { $facts ->
    [one] { $facts } hecho publicado de nuevo en { $subject }
   *[other] { $facts } hechos publicados de nuevo en { $subject }
}
bulk-pausing = Pausando { $done }/{ $total }
bulk-paused = Pausadas { $done }/{ $total }
bulk-resuming = Reactivando { $done }/{ $total }
bulk-resumed = Reactivadas { $done }/{ $total }
bulk-count-paused = { $n ->
    [one] { $shown } pausada
   *[other] { $shown } pausadas
}
bulk-count-resumed = { $n ->
    [one] { $shown } reactivada
   *[other] { $shown } reactivadas
}
bulk-count-already = { $n ->
    [one] { $shown } ya estaba
   *[other] { $shown } ya estaban
}
bulk-count-forbidden = { $shown } sin permiso
bulk-count-errors = { $n ->
    [one] { $shown } error
   *[other] { $shown } errores
}
bulk-count-changed = { $n ->
    [one] { $shown } cambió desde entonces
   *[other] { $shown } cambiaron desde entonces
}
bulk-left = quedan { $seconds } s
bulk-counted = { $total } conversaciones coinciden. No se hizo nada.
bulk-started = { $id } · { $total } conversaciones
bulk-undo-started = { $id } · se deshacen { $total } pausas
bulk-undone-before = { $id } · ya se había pedido deshacer estas { $total } pausas
bulk-undone-by = Deshecha por { $id }
bulk-one-selection = elija por filtro, con --ids-file o con --all: solo una de las tres cosas
bulk-action-pause = pausar
bulk-action-resume = reactivar
bulk-action-undo = deshacer
bulk-outcome-paused = pausada
bulk-outcome-resumed = reactivada
bulk-outcome-already = ya estaba
bulk-outcome-forbidden = sin permiso
bulk-outcome-error = error
bulk-outcome-changed-since = cambió desde entonces
table-bulk = OPERACIÓN
table-outcome = RESULTADO
table-done = HECHAS
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
table-problems = PROBLEMAS
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
config-sender = «{ $value }» no es un remitente; escriba un número como whatsapp:+5491155550200, o un servicio de mensajería MG…
config-secure-url = «{ $value }» no es una dirección a la que se puedan enviar credenciales; use https:// (o http:// en la propia máquina), sin usuario ni consulta
config-file-store = «{ $value }» no es "log" ni la ruta absoluta de una carpeta
config-host = «{ $value }» no es el nombre ni la dirección de un servidor
config-plain = una conexión sin cifrar solo es posible con direcciones de la propia máquina, y { $host } no lo es; use tls o starttls
config-one-line = debe ser una línea con contenido
config-span = «{ $value }» no es un tiempo de hasta un año: use 90s, 10m, 2h, 3d u off
config-span-most = «{ $value }» no es un tiempo de como máximo { $most }: use 90s, 10m, 2h o 3d
config-hook-url = «{ $value }» no es una dirección posible para el webhook de un bot: { $reason }
config-signature = debe tener como máximo { $most } caracteres y ningún carácter de control salvo saltos de línea
config-any-server = «{ $value }» no es posible en un canal que se agrega con Relevo en marcha; escríbalo en el archivo de configuración o active allí channels.any_server
config-secret-elsewhere = debe ser el secreto mismo; un canal que se agrega con Relevo en marcha no nombra archivos ni variables del servidor
config-channel-in-file = el canal «{ $value }» está en el archivo de configuración; cámbielo allí o elija otro id
config-channel-added = el canal «{ $value }» ya fue agregado, con otra definición; reemplácelo o elija otro id
config-taken = «{ $value }» ya lo usa otro canal u otra aplicación; elija otro
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

## What JSON over HTTP answers when the code does not say enough.

rest-path = No hay nada en esta ruta. No se cambió nada. /v1/openapi.json dice lo que hay.
rest-method = Esta ruta no acepta ese método. No se cambió nada. El encabezado Allow dice cuáles acepta.
rest-media-type = El cuerpo no es JSON en UTF-8. No se cambió nada. Envíelo como application/json, sin comprimir.
rest-json = El cuerpo no es JSON: deja de tener sentido en la línea { $line }, columna { $column }. No se cambió nada.
rest-encoding = La dirección no está escrita en UTF-8 con signos de porcentaje. No se cambió nada.
rest-too-slow = El cuerpo no llegó entero a tiempo. No se cambió nada. Envíelo de nuevo.
rest-broken = La conexión se cortó antes de que llegara el cuerpo entero. No se cambió nada. Envíelo de nuevo.
rest-overloaded = Se están respondiendo demasiadas peticiones a la vez. No se cambió nada. Envíela de nuevo en un momento.
rest-not-ready = Relevo todavía está arrancando. No se cambió nada. Envíela de nuevo en un momento.

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
cli-done-change-pause = Pausa cambiada
cli-done-escalate = Escalada
cli-done-suggestion-accept = Sugerencia aceptada: el bot está pausado
cli-done-suggestion-dismiss = Sugerencia descartada
cli-done-detection = La detección quedó configurada
cli-done-assign = Conversación asignada
cli-done-claim = La conversación es suya
cli-done-resolve = Conversación resuelta
cli-done-reopen = Conversación reabierta
cli-done-note = Nota añadida
cli-already-pause = Ya estaba pausado
cli-already-resume = Ya estaba activo
cli-already-change-pause = Ya estaba pausado en estas condiciones
cli-already-escalate = Ya estaba escalada
cli-already-suggestion-accept = La sugerencia ya estaba aceptada
cli-already-suggestion-dismiss = La sugerencia ya estaba descartada
cli-already-detection = La detección ya estaba así
cli-detection-numbers = idiomas: { $languages } · lo mismo { $repeats } veces · { $unresolved } mensajes sin resolver · en silencio tras { $quiet }
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
cli-flag-imported = importado
cli-flag-unverified = remitente sin verificar
cli-cancelled-bot-paused = (el bot fue pausado)
cli-next-attempt = Se intenta de nuevo: { $at }
cli-outcome-unknown = No se sabe si el proveedor lo tomó; no se envía otra vez solo. Si el cliente no lo tiene, envíelo de nuevo.
cli-attachment-pending = · todavía no descargado
cli-attachment-unavailable = · no disponible: { $reason }
cli-attachment-gone = el proveedor ya no lo tiene
cli-attachment-too-big = demasiado grande
cli-attachment-infected = tiene un virus
cli-attachment-refused = rechazado
cli-attachment-not-the-type = no es del tipo declarado
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
cli-log-not-intact = El registro no es lo que se escribió en él, o sus flujos no están configurados como corresponde. Guarde esta salida y no reconstruya vistas con este registro. Detenga el servidor y reponga una copia íntegra del almacén; si solo difiere una configuración, inicie de nuevo el servidor.
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
metric-delivery-to-accepted = De en cola a aceptado
metric-delivery-to-sent = De aceptado a enviado
metric-send-failures = Envíos fallidos

## Por qué no se pudo enviar un mensaje: un texto para cada código de las tablas de los proveedores y para cada clase de fallo.

send-failure-auth = El proveedor no acepta la credencial del canal. El mensaje espera; renueve la credencial del canal y saldrá solo.
send-failure-throttled = El canal envía más de lo que el proveedor acepta en este momento. El mensaje espera y saldrá solo.
send-failure-pair_limit = Este cliente está recibiendo demasiados mensajes en poco tiempo. El mensaje espera y saldrá solo; envíe menos mensajes y más largos.
send-failure-quality = El proveedor limita el número porque hubo clientes que se quejaron o lo bloquearon. No lo envíe de nuevo; revise la calidad del número en la consola del proveedor.
send-failure-integrity = El proveedor rechaza el mensaje o restringió la cuenta por incumplir sus normas. No lo envíe de nuevo; revise los avisos de la cuenta.
send-failure-transient = El proveedor tiene un problema propio. El mensaje se intenta de nuevo solo.
send-failure-window = El último mensaje del cliente tiene más de 24 horas. Envíe en su lugar una plantilla aprobada.
send-failure-recipient = No se puede llegar al destinatario en esta dirección. Compruébela o contacte al cliente por otro canal.
send-failure-content = El proveedor no acepta el mensaje tal como está. Corríjalo y envíelo de nuevo.
send-failure-template = La plantilla no existe, está detenida o no se completó como fue aprobada. Elija otra o corrija sus valores.
send-failure-account = La cuenta o el número necesita atención en el proveedor. Pida ayuda a quien lo administra y envíe de nuevo.
send-failure-file = No se pudo entregar un archivo: es demasiado grande, de un tipo no admitido o ya no existe. Adjunte otro y envíe de nuevo.
send-failure-expired = El mensaje esperó o se intentó durante demasiado tiempo. Envíelo de nuevo si todavía importa.
send-failure-unknown = El proveedor rechazó el mensaje con un código que Relevo no conoce. Mire el código, corrija la causa y envíelo de nuevo.
send-failure-reported = El proveedor tomó el mensaje y después informó que no pudo entregarlo. Mire el código y, si es urgente, comuníquese con el cliente por otro medio.
send-failure-meta-0 = { send-failure-auth }
send-failure-meta-3 = La aplicación no tiene permiso para hacer esto con el número. Dele los permisos de WhatsApp en la consola de Meta; el mensaje espera.
send-failure-meta-10 = { send-failure-meta-3 }
send-failure-meta-131005 = { send-failure-meta-3 }
send-failure-meta-190 = El token de acceso venció o fue revocado. Ponga un token nuevo en el canal; el mensaje espera.
send-failure-meta-4 = { send-failure-throttled }
send-failure-meta-613 = { send-failure-throttled }
send-failure-meta-80007 = La cuenta de WhatsApp Business agotó sus peticiones de esta hora. El mensaje espera y saldrá solo.
send-failure-meta-130429 = El número envía más mensajes por segundo de los que Meta acepta. El mensaje espera y saldrá solo.
send-failure-meta-133016 = El número se registró y se dio de baja demasiadas veces. Espere a que Meta lo permita de nuevo; el mensaje espera.
send-failure-meta-131056 = { send-failure-pair_limit }
send-failure-meta-131048 = Meta detiene los mensajes de este número porque demasiados se denunciaron como spam. Revise su calidad en el Administrador de WhatsApp antes de enviar más.
send-failure-meta-131064 = { send-failure-quality }
send-failure-meta-368 = La cuenta está bloqueada temporalmente por infringir las políticas de WhatsApp. Mire los avisos de la cuenta y apele allí.
send-failure-meta-130497 = La cuenta no puede escribir a clientes de este país. No lo envíe de nuevo.
send-failure-meta-131031 = La cuenta está bloqueada, por infringir una política o por un PIN incorrecto. Pida a Meta que la desbloquee.
send-failure-meta-1 = { send-failure-transient }
send-failure-meta-2 = { send-failure-transient }
send-failure-meta-131000 = { send-failure-transient }
send-failure-meta-131016 = { send-failure-transient }
send-failure-meta-133004 = { send-failure-transient }
send-failure-meta-131057 = El número está en mantenimiento o mejora, lo que dura hasta un minuto. El mensaje se intenta de nuevo solo.
send-failure-meta-131047 = El último mensaje del cliente tiene más de 24 horas, por eso WhatsApp solo acepta una plantilla aprobada. Envíe una en su lugar.
send-failure-meta-130472 = Meta excluye a este cliente de los mensajes de marketing por un experimento. Envíe algo que no sea marketing o use otro canal.
send-failure-meta-131021 = El destinatario es el propio número que envía. Elija el número del cliente.
send-failure-meta-131026 = El número no está en WhatsApp, tiene una versión antigua o bloqueó a la empresa. Compruebe el número o use otro canal.
send-failure-meta-131030 = Un número de prueba solo escribe a los números de su lista. Agregue allí al destinatario, en la forma en que Meta lo escribe.
send-failure-meta-131049 = Meta retiene el mensaje para que el cliente no reciba demasiado marketing. Espere al menos 24 horas o envíe otra cosa.
send-failure-meta-131050 = El cliente dejó de recibir mensajes de marketing de esta empresa. No lo envíe de nuevo.
send-failure-meta-131062 = El número de este cliente está oculto y este tipo de mensaje lo necesita. Pida el número al cliente.
send-failure-meta-137000 = La identidad del cliente en WhatsApp cambió. Asegúrese de quién es y envíelo de nuevo.
send-failure-meta-33 = { send-failure-content }
send-failure-meta-100 = { send-failure-content }
send-failure-meta-131008 = { send-failure-content }
send-failure-meta-131009 = Un valor del mensaje no es aceptado, o el mensaje al que se refiere es demasiado antiguo. Corríjalo y envíelo de nuevo.
send-failure-meta-131051 = WhatsApp no acepta mensajes de este tipo. Envíe el contenido de otra forma.
send-failure-meta-135000 = { send-failure-content }
send-failure-meta-131052 = No se pudo descargar el archivo. Adjúntelo de nuevo.
send-failure-meta-131053 = No se pudo subir el archivo: su contenido no es del tipo indicado o está dañado. Adjunte otro.
send-failure-meta-131063 = Esta plantilla no se puede enviar de esta manera. Elija otra.
send-failure-meta-132000 = La cantidad de valores no coincide con las variables de la plantilla. Complete cada una y envíe de nuevo.
send-failure-meta-132001 = La plantilla no existe en este idioma o aún no está aprobada. Elija otra u otro idioma.
send-failure-meta-132005 = El texto queda demasiado largo con los valores completados. Acorte los valores.
send-failure-meta-132007 = La plantilla infringe una política de WhatsApp. Elija otra o pida que la revisen.
send-failure-meta-132008 = Un valor no es del tipo que la plantilla espera. Corrija los valores y envíe de nuevo.
send-failure-meta-132012 = { send-failure-meta-132008 }
send-failure-meta-132015 = La plantilla está en pausa porque a los clientes no les gustó. Elija otra o espere a que Meta la libere.
send-failure-meta-132016 = La plantilla quedó deshabilitada definitivamente por su calidad. Cree una nueva.
send-failure-meta-132068 = El formulario de la plantilla no se puede usar. Corrija el formulario en el Administrador de WhatsApp.
send-failure-meta-132069 = El formulario de la plantilla está limitado por sus errores. Corrija el formulario en el Administrador de WhatsApp.
send-failure-meta-131037 = El número no tiene un nombre visible aprobado. Haga aprobar el nombre en el Administrador de WhatsApp.
send-failure-meta-131042 = Hay un problema con el pago de la cuenta. Corrija el método de pago en la consola de Meta.
send-failure-meta-131044 = { send-failure-meta-131042 }
send-failure-meta-131045 = El número no está registrado en WhatsApp. Regístrelo en la consola de Meta.
send-failure-meta-133010 = { send-failure-meta-131045 }
send-failure-meta-134011 = No se aceptaron las condiciones de pagos de WhatsApp. Acéptelas en la consola de Meta.
send-failure-twilio-20003 = Twilio no acepta la credencial de la cuenta. Renueve el token del canal; el mensaje espera.
send-failure-twilio-20404 = Twilio no conoce la cuenta o la dirección pedida. Compruebe el SID de la cuenta del canal.
send-failure-twilio-63007 = Twilio no conoce un remitente de WhatsApp con el número del canal. Compruebe el número en el canal y en la consola de Twilio.
send-failure-twilio-63022 = El certificado del número no es válido. Registre de nuevo el remitente en la consola de Twilio.
send-failure-twilio-63051 = La cuenta de WhatsApp Business está bloqueada. Mire sus avisos en la consola de Meta.
send-failure-twilio-20429 = { send-failure-throttled }
send-failure-twilio-21611 = La cola del remitente en Twilio está llena. El mensaje espera y saldrá solo.
send-failure-twilio-63018 = { send-failure-throttled }
send-failure-twilio-63016 = { send-failure-meta-131047 }
send-failure-twilio-21211 = El destinatario no es un número válido. Corríjalo, con su código de país.
send-failure-twilio-21610 = El cliente pidió no recibir más mensajes. No lo envíe de nuevo.
send-failure-twilio-63003 = { send-failure-meta-131026 }
send-failure-twilio-63024 = { send-failure-meta-131026 }
send-failure-twilio-63032 = { send-failure-quality }
send-failure-twilio-63049 = { send-failure-meta-131049 }
send-failure-twilio-63013 = { send-failure-integrity }
send-failure-twilio-63020 = { send-failure-account }
send-failure-twilio-21617 = El texto supera los 1600 caracteres que Twilio acepta. Acórtelo o divídalo.
send-failure-twilio-63005 = { send-failure-content }
send-failure-twilio-63021 = { send-failure-content }
send-failure-twilio-63019 = Twilio no pudo obtener el archivo. Compruebe que la dirección pública del servidor es accesible y envíe de nuevo.
send-failure-twilio-21656 = Twilio no puede leer los valores de la plantilla. Corríjalos y envíe de nuevo.
send-failure-twilio-63027 = { send-failure-meta-132001 }
send-failure-twilio-63028 = { send-failure-meta-132000 }
send-failure-twilio-30001 = El mensaje esperó demasiado en la cola de Twilio y se abandonó. Envíelo de nuevo si todavía importa.
send-failure-twilio-20500 = { send-failure-transient }
send-failure-twilio-20503 = { send-failure-transient }
send-failure-twilio-30008 = { send-failure-transient }
send-failure-twilio-63012 = { send-failure-transient }
send-failure-smtp-4-2-1 = El buzón del destinatario no recibe nada en este momento. El correo se intenta de nuevo solo.
send-failure-smtp-4-2-2 = El buzón del destinatario está lleno en este momento. El correo se intenta de nuevo solo; si es urgente, contacte al cliente por otro canal.
send-failure-smtp-4-3-1 = { send-failure-transient }
send-failure-smtp-4-3-2 = El servidor de correo no acepta más conexiones de este buzón en este momento. El correo espera y saldrá solo.
send-failure-smtp-4-4-1 = El servidor de correo del destinatario no responde. El correo se intenta de nuevo solo.
send-failure-smtp-4-4-2 = El servidor de correo del destinatario no responde. El correo se intenta de nuevo solo.
send-failure-smtp-4-4-7 = El correo no se pudo entregar durante mucho tiempo y se sigue intentando. Si es urgente, contacte al cliente por otro canal.
send-failure-smtp-4-5-3 = El correo tiene demasiados destinatarios para una sola entrega. Espera y saldrá solo.
send-failure-smtp-4-7-0 = { send-failure-throttled }
send-failure-smtp-4-7-1 = El servidor de correo del destinatario pide que se vuelva más tarde. El correo se intenta de nuevo solo.
send-failure-smtp-4-7-28 = { send-failure-throttled }
send-failure-smtp-4-7-8 = { send-failure-auth }
send-failure-smtp-5-1-1 = No existe ese buzón. Compruebe la dirección con el cliente.
send-failure-smtp-5-1-0 = { send-failure-smtp-5-1-1 }
send-failure-smtp-5-1-10 = { send-failure-smtp-5-1-1 }
send-failure-smtp-5-1-2 = El dominio de la dirección no existe o no recibe correo. Compruebe la dirección con el cliente.
send-failure-smtp-5-1-3 = La dirección no está bien escrita. Compruébela con el cliente.
send-failure-smtp-5-1-6 = El buzón se mudó y no dejó una dirección nueva. Pida la nueva al cliente.
send-failure-smtp-5-1-7 = El servidor de correo no acepta la dirección del canal como remitente. Compruebe la dirección del canal.
send-failure-smtp-5-1-8 = { send-failure-smtp-5-1-7 }
send-failure-smtp-5-2-0 = El buzón envió todo lo que su proveedor permite por día. El correo espera y saldrá solo.
send-failure-smtp-5-4-5 = { send-failure-smtp-5-2-0 }
send-failure-smtp-5-2-1 = El buzón del destinatario está deshabilitado. Contacte al cliente por otro canal.
send-failure-smtp-5-2-2 = El buzón del destinatario está lleno. Contacte al cliente por otro canal.
send-failure-smtp-5-2-3 = El correo es más grande de lo que acepta el buzón del destinatario. Envíe un archivo más pequeño o un enlace.
send-failure-smtp-5-3-4 = El correo es más grande de lo que acepta un servidor de correo en el camino. Envíe un archivo más pequeño o un enlace.
send-failure-smtp-5-2-252 = El usuario del canal no puede enviar con esa dirección. Pida ese permiso en Microsoft 365.
send-failure-smtp-5-7-60 = { send-failure-smtp-5-2-252 }
send-failure-smtp-5-4-1 = El servidor de correo del destinatario rechaza el correo para esta dirección o no se encuentra. Compruebe la dirección con el cliente.
send-failure-smtp-5-4-4 = { send-failure-smtp-5-1-2 }
send-failure-smtp-5-4-6 = El correo del destinatario da vueltas entre servidores. Contacte al cliente por otro canal.
send-failure-smtp-5-4-7 = El correo no se pudo entregar en el tiempo durante el cual los servidores lo intentan. Compruebe la dirección y envíelo de nuevo.
send-failure-smtp-5-5-3 = El correo tiene más destinatarios de los que el servidor acepta. Envíelo a menos.
send-failure-smtp-5-6-0 = { send-failure-content }
send-failure-smtp-5-7-1 = El servidor de correo del destinatario rechaza el correo por sus reglas: como spam o porque este remitente no está permitido. Contacte al cliente por otro canal o consulte a su administrador.
send-failure-smtp-5-7-0 = { send-failure-smtp-5-7-1 }
send-failure-smtp-5-7-3 = { send-failure-auth }
send-failure-smtp-5-7-8 = { send-failure-auth }
send-failure-smtp-5-7-9 = { send-failure-auth }
send-failure-smtp-5-7-14 = { send-failure-auth }
send-failure-smtp-5-7-57 = { send-failure-auth }
send-failure-smtp-5-7-26 = No está probado que el correo venga de su dominio (SPF, DKIM o DMARC). Pida que corrijan los registros del dominio.
send-failure-smtp-5-7-30 = El proveedor ya no acepta contraseñas. Conecte el buzón con OAuth; el correo espera.

# Lo mismo cuando el mensaje falló definitivamente: lo que se habría intentado de nuevo ya no se intenta.

send-failure-final-auth = El proveedor no aceptó la credencial del canal y se desistió del mensaje: no se intenta de nuevo. Pida que renueven la credencial y envíelo otra vez.
send-failure-final-throttled = El proveedor no aceptó tantos mensajes y se desistió de este: no se intenta de nuevo. Envíelo otra vez un poco más tarde.
send-failure-final-pair_limit = Este cliente estaba recibiendo demasiados mensajes en poco tiempo y se desistió de este: no se intenta de nuevo. Envíelo otra vez más tarde.
send-failure-final-transient = El proveedor tuvo un problema propio y se desistió del mensaje: no se intenta de nuevo. Envíelo otra vez si todavía importa.
send-failure-final-meta-0 = { send-failure-final-auth }
send-failure-final-meta-3 = { send-failure-final-auth }
send-failure-final-meta-10 = { send-failure-final-auth }
send-failure-final-meta-190 = { send-failure-final-auth }
send-failure-final-meta-131005 = { send-failure-final-auth }
send-failure-final-meta-4 = { send-failure-final-throttled }
send-failure-final-meta-613 = { send-failure-final-throttled }
send-failure-final-meta-80007 = { send-failure-final-throttled }
send-failure-final-meta-130429 = { send-failure-final-throttled }
send-failure-final-meta-133016 = { send-failure-final-throttled }
send-failure-final-meta-131056 = { send-failure-final-pair_limit }
send-failure-final-meta-1 = { send-failure-final-transient }
send-failure-final-meta-2 = { send-failure-final-transient }
send-failure-final-meta-131000 = { send-failure-final-transient }
send-failure-final-meta-131016 = { send-failure-final-transient }
send-failure-final-meta-131057 = { send-failure-final-transient }
send-failure-final-meta-133004 = { send-failure-final-transient }
send-failure-final-twilio-20003 = { send-failure-final-auth }
send-failure-final-twilio-20429 = { send-failure-final-throttled }
send-failure-final-twilio-21611 = { send-failure-final-throttled }
send-failure-final-twilio-63018 = { send-failure-final-throttled }
send-failure-final-twilio-20500 = { send-failure-final-transient }
send-failure-final-twilio-20503 = { send-failure-final-transient }
send-failure-final-twilio-30008 = { send-failure-final-transient }
send-failure-final-twilio-63012 = { send-failure-final-transient }
send-failure-final-smtp-4-2-1 = { send-failure-final-transient }
send-failure-final-smtp-4-2-2 = El buzón del destinatario siguió lleno y se desistió del correo: no se intenta de nuevo. Comuníquese con el cliente por otro canal.
send-failure-final-smtp-4-3-1 = { send-failure-final-transient }
send-failure-final-smtp-4-3-2 = { send-failure-final-throttled }
send-failure-final-smtp-4-4-1 = { send-failure-final-transient }
send-failure-final-smtp-4-4-2 = { send-failure-final-transient }
send-failure-final-smtp-4-4-7 = El correo no se pudo entregar durante mucho tiempo y se desistió de él: no se intenta de nuevo. Comuníquese con el cliente por otro canal.
send-failure-final-smtp-4-5-3 = { send-failure-final-throttled }
send-failure-final-smtp-4-7-0 = { send-failure-final-throttled }
send-failure-final-smtp-4-7-1 = { send-failure-final-transient }
send-failure-final-smtp-4-7-28 = { send-failure-final-throttled }
send-failure-final-smtp-4-7-8 = { send-failure-final-auth }
send-failure-final-smtp-5-2-0 = { send-failure-final-throttled }
send-failure-final-smtp-5-4-5 = { send-failure-final-throttled }
send-failure-final-smtp-5-7-3 = { send-failure-final-auth }
send-failure-final-smtp-5-7-8 = { send-failure-final-auth }
send-failure-final-smtp-5-7-9 = { send-failure-final-auth }
send-failure-final-smtp-5-7-14 = { send-failure-final-auth }
send-failure-final-smtp-5-7-30 = { send-failure-final-auth }
send-failure-final-smtp-5-7-57 = { send-failure-final-auth }

# Canales: qué les falta, qué está mal y dónde se arregla.
channel-missing-access_token = no envía nada: falta access_token (Configuración del negocio de Meta, Usuarios del sistema, Generar token)
channel-missing-waba_id = no se conocen sus plantillas: falta waba_id (Administrador de WhatsApp, Herramientas de la cuenta)
channel-missing-public_url = el proveedor no puede llegar hasta él: falta server.public_url en la configuración
channel-missing-account_sid = no envía nada: faltan account_sid y from (Consola de Twilio, Account info)
channel-missing-smtp = no envía nada: faltan smtp y una contraseña u oauth
channel-missing-sending = este nodo no envía nada: sending.enabled es false
channel-missing-mailbox = este nodo no lee buzones: mailbox.enabled es false
channel-mend-meta-auth = Meta rechaza el token de acceso; genere uno nuevo para un usuario del sistema con whatsapp_business_messaging y whatsapp_business_management (Configuración del negocio de Meta, Usuarios del sistema) y vuelva a agregar el canal con --replace
channel-mend-twilio-auth = Twilio rechaza las credenciales; compare el account SID y el auth token o la clave de API (Consola de Twilio, Account info) y vuelva a agregar el canal con --replace
channel-mend-email-auth = el servidor de correo rechaza el acceso; revise usuario y contraseña (Gmail: una contraseña de aplicación), o dé el consentimiento otra vez con --consent, y vuelva a agregar el canal con --replace
channel-mend-email-code-certificate = no se confía en el certificado del servidor, o es de otro; revise el host, o indique la autoridad en extra_ca_file
channel-mend-email-code-no-folder = no se puede abrir una carpeta; compare --folder con los nombres que tiene el servidor
channel-mend-email-code-no-starttls = el servidor no ofrece STARTTLS; use la seguridad tls y su puerto
channel-mend-email-code-private-address = el servidor tiene una dirección privada; escriba el canal en el archivo de configuración, o pida que activen channels.any_server
channel-mend-email-code-plain-text = una conexión sin cifrar solo es posible en la propia máquina; use la seguridad tls o starttls
channel-mend-email-code-bad-host = el host no es el nombre de un servidor
channel-mend-email-code-bad-ca = extra_ca_file no tiene ningún certificado utilizable
channel-mend-email-code-bad-credential = el usuario o la contraseña tiene un salto de línea; vuelva a agregar el canal con --replace
channel-mend-auth = las credenciales son rechazadas; renuévelas y vuelva a agregar el canal con --replace
channel-mend-meta-account = Meta pide algo de la cuenta (pago, registro del número, nombre visible); vea el Administrador de WhatsApp, Números de teléfono
channel-mend-twilio-account = Twilio pide algo de la cuenta (saldo, registro del remitente); vea la Consola de Twilio, Messaging, Senders
channel-mend-account = el proveedor pide algo de la cuenta; vea su consola
channel-mend-media-account = no se puede traer lo que adjuntan los clientes: el canal no tiene credenciales. Dele sus claves (relevo channel add con --replace, o el archivo de configuración); lo que espera se trae entonces
channel-mend-media-file = no hay lugar para archivos; dé más al disco o al almacén del registro (store_bytes). Lo que espera se trae entonces
channel-mend-throttled = demasiado a la vez; continúa por sí solo
channel-mend-pair_limit = demasiados mensajes a un mismo destinatario; continúa por sí solo
channel-mend-quality = el proveedor objeta la calidad del número; no se envía nada por iniciativa de la empresa hasta que eso cambie (Administrador de WhatsApp, Estadísticas)
channel-mend-integrity = la cuenta está restringida; vea el motivo en la consola del proveedor y reclame allí
channel-mend-transient = no se llega al servidor o este tiene problemas propios; se intenta otra vez por sí solo. Si sigue así, revise host, puerto y seguridad
channel-mend-window = un mensaje llegó tarde para la ventana de 24 horas
channel-mend-recipient = el proveedor no conoce el número o la dirección; revise phone_number_id, from o address
channel-mend-content = el proveedor no aceptó lo que se le pidió; revise la definición del canal
channel-mend-template = no se pueden listar las plantillas; revise waba_id
channel-mend-file = no se pudo entregar un archivo
channel-mend-expired = tardó demasiado
channel-mend-unknown = una respuesta que Relevo no conoce; el código es del proveedor

# relevo channel
cli-done-channel-add = Canal { $channel } agregado; ya está en vigor.
cli-already-channel-add = El canal { $channel } ya estaba, tal cual.
cli-done-channel-remove = Canal quitado. Sus conversaciones permanecen.
cli-already-channel-remove = No había ningún canal agregado con ese nombre; no se cambió nada.
cli-done-channel-pause = Canal pausado: no se envía nada desde él
cli-already-channel-pause = El canal ya estaba pausado
cli-done-channel-resume = Canal reanudado: vuelve a enviar
cli-already-channel-resume = El canal ya estaba enviando
cli-channel-webhook = Indique al proveedor esta dirección de webhook: { $url }
cli-channel-verify-token = y este token de verificación: { $token }
cli-channel-next = Pruebe sus credenciales: relevo channel check { $channel }
cli-channel-good = Todo está bien.
cli-channel-not-good = Algo del canal no está bien; arriba dice qué hacer.
cli-no-consent = No se dio el consentimiento ({ $code }). { $detail }
cli-consent-device = Abra { $url } en cualquier dispositivo y escriba el código { $code } antes de { $minutes } minutos. Inicie sesión como titular del buzón.
cli-consent-browser = Abra esta dirección en un navegador de esta máquina e inicie sesión como titular del buzón: { $url }
cli-consent-page = Listo. Puede cerrar esta página y volver a la terminal.
cli-consent-given = Consentimiento recibido.
table-label = NOMBRE
table-does = HACE
table-health = ESTADO
table-webhook = WEBHOOK
channel-does-both = recibe y envía
channel-does-receive = recibe
channel-does-send = envía
channel-does-nothing = nada
channel-paused = pausado
part-sending = envío
part-receiving = recepción
part-templates = plantillas
part-media = archivos
part-number = número
part-account = cuenta
part-token = token
part-configuration = configuración
# Qué clase de problema, cuando no hay código.
trouble-auth = acceso
trouble-throttled = demasiado rápido
trouble-pair_limit = límite por destinatario
trouble-quality = calidad
trouble-integrity = restricción
trouble-transient = pasajero
trouble-window = ventana
trouble-recipient = destinatario
trouble-content = contenido
trouble-template = plantilla
trouble-account = cuenta
trouble-file = archivo
trouble-expired = vencido
trouble-unknown = desconocido
trouble-media-account = sin credenciales
trouble-media-file = sin lugar
health-good = bien
health-ailing = con problemas
health-broken = sin funcionar
health-unknown = sin uso todavía

# relevo conversation send|start|cancel-send
cli-done-send = Mensaje en cola
cli-done-typing = El cliente verá que alguien escribe, si el proveedor lo acepta
cli-already-typing = El cliente ya lo está viendo
cli-already-send = El mensaje ya estaba en cola
cli-done-start = Conversación abierta, mensaje en cola
cli-already-start = La conversación ya estaba abierta
cli-done-cancel-send = Mensaje retirado: no se envía
cli-already-cancel-send = El mensaje no se iba a enviar de todos modos
cli-no-http = En { $http } no se aceptan archivos: { $reason }. Indique la dirección HTTP del servidor con --http o RELEVO_HTTP.

# relevo template, quick-reply, workspace, file
table-template = PLANTILLA
table-templates = PLANTILLAS
table-language = IDIOMA
table-variables = VARIABLES
table-text = TEXTO
table-name = NOMBRE
table-title = TÍTULO
template-state-approved = aprobada
template-state-pending = en revisión
template-state-rejected = rechazada
template-state-paused = pausada
template-state-disabled = desactivada
template-problem-not_usable = No se puede usar ahora: { $about }
template-problem-missing = Sin valor: { $about }
template-problem-surplus = No tiene la variable: { $about }
template-problem-blank = Valor vacío: { $about }
template-problem-spacing = Un salto de línea, una tabulación o más de cuatro espacios en el valor de: { $about }
template-problem-too_long = Valor demasiado largo: { $about }
template-problem-header_file = Falta un archivo para el encabezado, o sobra
template-problem-header_location = Su encabezado es una ubicación, que no se puede indicar
template-problem-repeated = Hay varios valores para: { $about }
cli-file-saved = Guardado en { $path } ({ $size })
cli-workspace-same = El espacio de trabajo está como dice el archivo.
cli-workspace-applied = { $n ->
    [one] 1 cambio hecho.
   *[other] { $n } cambios hechos.
}

## El archivo de reglas de un bot

rules-yaml = no es YAML: { $reason }
rules-file-too-big = ocupa más de { $limit } bytes
rules-too-deep = tiene más de { $limit } niveles
rules-not-plain = las anclas (&), los alias (*) y las etiquetas (!) no forman parte del formato
rules-unknown-key = clave desconocida «{ $key }»; aquí se conocen: { $known }
rules-twice = «{ $key }» aparece aquí dos veces
rules-missing = falta la clave «{ $key }»
rules-expected = el valor tiene otra forma; se espera: { $wanted }
rules-empty = aquí no hay nada
rules-too-long = tiene más de { $limit } caracteres, contando { "{" }contact.name{ "}" } como 60
rules-too-many = hay más de { $limit }
rules-out-of-range = debe ser un número de { $least } a { $most }
rules-bad-name = «{ $name }» no es un nombre; use de 1 a 32 letras minúsculas, cifras o guiones
rules-duplicate = «{ $value }» ya está
rules-no-step = no existe el paso «{ $step }»
rules-loop = da vueltas sin que el cliente diga nada: { $steps }
rules-long-chain = dice más de { $limit } mensajes seguidos
rules-excludes = solo es posible uno de estos: { $keys }
rules-needs-one-of = hace falta al menos uno de estos: { $keys }
rules-no-word = no tiene ninguna palabra de letras o cifras
rules-unknown-variable = no existe la variable «{ $name }»; la que existe: contact.name
rules-bad-regex = no es una expresión regular: { $reason }
rules-regex-too-big = la expresión regular es demasiado grande; use repeticiones menores
rules-regex-matches-all = la expresión regular coincide con un texto vacío, y por eso con cualquier mensaje
rules-choice-leads-twice = la opción «{ $id }» lleva en otra parte a otro paso; póngale otro id
rules-not-countable = una respuesta por defecto que se cuenta debe decir un texto o un menú, no una respuesta rápida
