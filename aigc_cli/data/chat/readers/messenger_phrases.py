"""What Messenger and Instagram write themselves into an archive, as if the sender had: in eight languages.

The archive is in the language of the account. A sentence begins with the name of who did something, or says "You";
here stands what follows the name, and whole sentences. Knows nothing of layouts.
"""

import re

# (reason, what follows a name, whole sentences): English, German, French, Spanish, Portuguese, Italian, Dutch, Polish
_ATTACHED = (
    # English
    r"sent (?:an attachment|a (?:photo|video|voice message|sticker|GIF|link|file|location|live location)"
    r"|\d+ (?:photos|videos))\.|shared an? (?:story|post|reel|profile)\.",
    r"You sent (?:an attachment|a (?:photo|video|voice message|sticker|GIF|link|file|location|live location)"
    r"|\d+ (?:photos|videos))\.|You shared an? (?:story|post|reel|profile)\.|Sent an attachment\.",
    # German
    r"hat (?:einen Anhang|ein Foto|ein Video|einen Link|einen Sticker|eine Sprachnachricht|ein GIF|eine Datei"
    r"|\d+ Fotos|einen(?: Live-)?Standort) (?:gesendet|gesandt)\.",
    r"Du hast (?:einen Anhang|ein Foto|ein Video|einen Link|einen Sticker|eine Sprachnachricht|ein GIF|eine Datei"
    r"|\d+ Fotos|einen(?: Live-)?Standort) (?:gesendet|gesandt)\.",
    # French
    r"a envoyé (?:une pièce jointe|une photo|une vidéo|un lien|un message vocal|un autocollant|un GIF|\d+ photos)\.?",
    r"(?:Vous avez|Tu as) envoyé (?:une pièce jointe|une photo|une vidéo|un lien|un message vocal|un autocollant"
    r"|un GIF|\d+ photos)\.?",
    # Spanish
    r"(?:envió|ha enviado) (?:un archivo adjunto|un adjunto|una foto|un video|un vídeo|un enlace|un mensaje de voz"
    r"|un sticker|un GIF|\d+ fotos)\.?",
    r"(?:Enviaste|Has enviado) (?:un archivo adjunto|un adjunto|una foto|un video|un vídeo|un enlace"
    r"|un mensaje de voz|un sticker|un GIF|\d+ fotos)\.?",
    # Portuguese
    r"enviou (?:um anexo|uma foto|um vídeo|um link|uma mensagem de voz|uma figurinha|um GIF|\d+ fotos)\.?",
    r"(?:Você enviou|Enviaste) (?:um anexo|uma foto|um vídeo|um link|uma mensagem de voz|uma figurinha|um GIF"
    r"|\d+ fotos)\.?",
    # Italian
    r"ha inviato (?:un allegato|una foto|un video|un link|un messaggio vocale|un adesivo|una GIF|\d+ foto)\.?",
    r"Hai inviato (?:un allegato|una foto|un video|un link|un messaggio vocale|un adesivo|una GIF|\d+ foto)\.?",
    # Dutch
    r"heeft (?:een bijlage|een foto|een video|een link|een spraakbericht|een sticker|een gif|\d+ foto's)"
    r" (?:verzonden|gestuurd)\.?",
    r"Je hebt (?:een bijlage|een foto|een video|een link|een spraakbericht|een sticker|een gif|\d+ foto's)"
    r" (?:verzonden|gestuurd)\.?",
    # Polish
    r"wysła(?:ł|ła|ł\(a\)) (?:załącznik|zdjęcie|film|link|wiadomość głosową|naklejkę|GIF)\.?",
    r"Wysła(?:łeś|łaś|no) (?:załącznik|zdjęcie|film|link|wiadomość głosową|naklejkę|GIF)\.?",
)
_REACTIONS = (
    r"(?:liked|loved|laughed at|disliked|emphasized) (?:your|a) message\.?|reacted \S{1,12} to your message\.?",
    r"Liked a message|(?:You r|R)eacted \S{1,12} to (?:your|a|their|his|her) message\.?",
    r"hat mit \S{1,12} auf deine Nachricht reagiert\.?",
    r"Hat mit \S{1,12} auf deine Nachricht reagiert|Hat eine Nachricht mit „?Gefällt mir“? markiert"
    r"|Gefällt eine Nachricht",
    r"a réagi (?:avec )?\S{1,12} à (?:votre|ton) message\.?",
    r"A réagi (?:avec )?\S{1,12} à (?:votre|ton) message|A aimé un message",
    r"(?:reaccionó|ha reaccionado) con \S{1,12} a tu mensaje\.?",
    r"(?:Reaccionó|Ha reaccionado) con \S{1,12} a tu mensaje|Le gustó un mensaje|Indicó que le gusta un mensaje",
    r"reagiu com \S{1,12} à (?:sua|tua) mensagem\.?",
    r"Reagiu com \S{1,12} à (?:sua|tua) mensagem|Curtiu uma mensagem|Gostou de uma mensagem",
    r"ha reagito con \S{1,12} al tuo messaggio\.?",
    r"Ha reagito con \S{1,12} al tuo messaggio|Ha messo [\"“]?Mi piace[\"”]? a un messaggio",
    r"(?:heeft met \S{1,12} op je bericht gereageerd|reageerde met \S{1,12} op je bericht)\.?",
    r"Heeft met \S{1,12} op je bericht gereageerd|Vindt een bericht leuk",
    r"zareagowa(?:ł|ła|ł\(a\)) \S{1,12} na (?:T|t)woją wiadomość\.?",
    r"Zareagowa(?:ł|ła|ł\(a\)) \S{1,12} na (?:T|t)woją wiadomość|Polubi(?:ł|ła|ł\(a\)) wiadomość",
)
_CALLS = (
    r"(?:called you|missed your (?:video )?(?:call|chat)|missed a (?:video )?(?:call|chat) from you"
    r"|(?:started|joined) (?:a|an|the) (?:audio |video )?(?:call|chat))\.?",
    r"You (?:called .{1,100}|missed an? (?:audio |video )?(?:call|chat)(?: (?:from|with) .{1,100})?"
    r"|(?:started|joined) (?:a|an|the) (?:audio |video )?(?:call|chat))\.?"
    r"|The (?:audio |video )?(?:call|chat) (?:has )?ended\.?|(?:Audio|Video) (?:call|chat) ended\.?",
    r"hat (?:dich angerufen|deinen (?:Video)?anruf verpasst|einen (?:Videochat|Anruf|Audioanruf|Videoanruf) gestartet)"
    r"\.?",
    r"Du hast (?:.{1,100} angerufen|einen (?:Video)?[Aa]nruf von .{1,100} verpasst"
    r"|einen (?:Videochat|Anruf|Audioanruf|Videoanruf) gestartet)\.?"
    r"|Der (?:Videochat|Anruf) (?:ist|wurde) beendet\.?|(?:Audioanruf|Videochat|Videoanruf) beendet\.?",
    r"(?:vous a appelée?|t’a appelée?|t'a appelée?|a manqué votre appel(?: vidéo)?|a démarré un (?:appel|chat)"
    r"(?: audio| vidéo)?)\.?",
    r"(?:Vous avez|Tu as) (?:appelé .{1,100}|manqué un appel(?: vidéo)? de .{1,100}"
    r"|démarré un (?:appel|chat)(?: audio| vidéo)?)\.?|L(?:’|')appel(?: vidéo| audio)? (?:est |s’est )?terminé\.?",
    r"(?:te llamó|no pudo contestar tu (?:llamada|videollamada)|perdió tu llamada"
    r"|inició una? (?:llamada|videollamada|chat de video|videochat))\.?",
    r"(?:Llamaste a .{1,100}|Perdiste una (?:llamada|videollamada) de .{1,100}"
    r"|Iniciaste una? (?:llamada|videollamada|chat de video|videochat)"
    r"|(?:La llamada|La videollamada|El chat de video|El videochat) finalizó)\.?",
    r"(?:ligou para você|perdeu sua (?:ligação|chamada)|iniciou uma (?:chamada|ligação|conversa por vídeo))\.?",
    r"(?:Você ligou para .{1,100}|Você perdeu uma (?:ligação|chamada)(?: de vídeo)? de .{1,100}"
    r"|Você iniciou uma (?:chamada|ligação|conversa por vídeo)|A (?:chamada|conversa por vídeo|ligação) terminou)\.?",
    r"(?:ti ha chiamat[oa]|ha perso la tua (?:chiamata|videochiamata)|ha avviato una (?:chiamata|videochiamata))\.?",
    r"(?:Hai chiamato .{1,100}|Hai perso una (?:chiamata|videochiamata) da .{1,100}"
    r"|Hai avviato una (?:chiamata|videochiamata)|La (?:chiamata|videochiamata|videochat) è terminata)\.?",
    r"(?:heeft je gebeld|heeft je oproep gemist|heeft een (?:videochat|oproep|gesprek) gestart)\.?",
    r"(?:Je hebt .{1,100} gebeld|Je hebt een (?:video)?oproep van .{1,100} gemist"
    r"|De (?:videochat|oproep) is beëindigd)\.?",
    r"(?:dzwoni(?:ł|ła|ł\(a\)) do (?:C|c)iebie|nie odebra(?:ł|ła|ł\(a\)) (?:T|t)wojego połączenia)\.?",
    r"(?:Nieodebrane połączenie od .{1,100}|Czat wideo został zakończony|Połączenie zakończone)\.?",
)
_DELETED = (
    r"unsent a message\.?|hat eine Nachricht zurückgenommen\.?|a annulé l(?:’|')envoi d(?:’|')un message\.?"
    r"|anuló el envío de un mensaje\.?|eliminó un mensaje\.?|cancelou o envio de uma mensagem\.?",
    r"You unsent a message\.?|Du hast eine Nachricht zurückgenommen\.?"
    r"|(?:Vous avez|Tu as) annulé l(?:’|')envoi d(?:’|')un message\.?"
    r"|(?:Anulaste el envío de|Eliminaste) un mensaje\.?|Você cancelou o envio de uma mensagem\.?",
)
_DID = (
    r"(?:named the group .*|changed the (?:group|chat) (?:photo|name|theme|emoji|settings).*|changed the theme.*"
    r"|(?:set|cleared|changed) (?:the|your|his own|her own|their own|your own|his|her|their) nickname.*"
    r"|set the (?:quick reaction|emoji|group photo).*|(?:added|removed) .{1,300} (?:to|from) the (?:group|chat)"
    r"|(?:left|joined|created|muted) the (?:group|chat|conversation|poll).*|created (?:a|this) (?:poll|group|plan).*"
    r"|(?:voted for|changed (?:their |his |her )?vote) .*|(?:un)?pinned a message"
    r"|made .{1,100} an admin|removed .{1,100} as an? admin"
    r"|(?:turned (?:on|off)|updated) .{1,60}|waved at (?:you|.{1,60}|each other)"
    r"|(?:started|stopped) sharing (?:a )?(?:live )?(?:location|video)|joined Messenger)[.!]?"
)
_NOTICES = (
    _DID,
    r"You "
    + _DID
    + r"|You (?:are now connected on Messenger|can now message and call each other.*|waved at .{1,100})[.!]?"
    r"|Say hi to your new Facebook friend, .{1,100}|Messages and calls are secured with end-to-end encryption\..*"
    r"|This poll is no longer available\.|You're now friends on Facebook\..*",
    r"(?:hat (?:die Gruppe .{1,200} genannt|das (?:Gruppenfoto|Chat-Design|Design|Emoji) .{0,100}geändert"
    r"|den Spitznamen .{1,200}|.{1,300} (?:zur Gruppe hinzugefügt|aus der Gruppe entfernt)|die Gruppe (?:verlassen"
    r"|erstellt)|eine (?:Umfrage|Gruppe) erstellt|eine Nachricht (?:an|los)gepinnt|dir zugewunken)[.!]?)",
    r"Du hast (?:die Gruppe .{1,200} genannt|das (?:Gruppenfoto|Chat-Design|Design|Emoji) .{0,100}geändert"
    r"|den Spitznamen .{1,200}|.{1,300} (?:zur Gruppe hinzugefügt|aus der Gruppe entfernt)|die Gruppe (?:verlassen"
    r"|erstellt)|eine (?:Umfrage|Gruppe) erstellt)[.!]?|Ihr seid jetzt (?:über|auf|bei) .{0,20}Messenger verbunden\.?",
    r"a (?:nommé le groupe .*|changé (?:la photo|le nom|le thème|l(?:’|')emoji).*|quitté (?:le groupe|la conversation)"
    r"|ajouté .{1,300} au groupe|(?:retiré|supprimé) .{1,300} du groupe|créé (?:le groupe|un groupe|un sondage).*"
    r"|défini (?:le pseudo|la photo).*|rejoint (?:le groupe|la conversation)|épinglé un message)\.?",
    r"(?:Vous avez|Tu as) (?:nommé le groupe .*|changé (?:la photo|le nom|le thème|l(?:’|')emoji).*"
    r"|quitté (?:le groupe|la conversation)|ajouté .{1,300} au groupe|(?:retiré|supprimé) .{1,300} du groupe"
    r"|créé (?:le groupe|un groupe|un sondage).*|défini (?:le pseudo|la photo).*)\.?"
    r"|Vous êtes (?:désormais|maintenant) en contact (?:dans|sur) Messenger\.?",
    r"(?:nombró al grupo .*|nombró el grupo .*|cambió (?:la foto|el nombre|el tema|el emoji).*|salió del grupo"
    r"|(?:añadió|agregó) a .{1,300} al grupo|eliminó a .{1,300} del grupo|creó (?:el grupo|un grupo|una encuesta).*"
    r"|fijó un mensaje|cambió el apodo .*)\.?",
    r"(?:Nombraste al? (?:el )?grupo .*|Cambiaste (?:la foto|el nombre|el tema|el emoji|el apodo).*|Saliste del grupo"
    r"|(?:Añadiste|Agregaste) a .{1,300} al grupo|Creaste (?:el grupo|un grupo|una encuesta).*"
    r"|Ahora están conectados en Messenger)\.?",
    r"(?:nomeou o grupo .*|alterou (?:a foto|o nome|o tema|o emoji).*|saiu do grupo|adicionou .{1,300} ao grupo"
    r"|removeu .{1,300} do grupo|criou (?:o grupo|um grupo|uma enquete).*|definiu o apelido .*|fixou uma mensagem)\.?",
    r"Você (?:nomeou o grupo .*|alterou (?:a foto|o nome|o tema|o emoji).*|saiu do grupo|adicionou .{1,300} ao grupo"
    r"|removeu .{1,300} do grupo|criou (?:o grupo|um grupo|uma enquete).*|definiu o apelido .*)\.?"
    r"|Agora vocês estão conectados no Messenger\.?",
    r"ha (?:chiamato il gruppo .*|cambiato (?:la foto|il nome|il tema|l(?:’|')emoji).*|abbandonato il gruppo"
    r"|aggiunto .{1,300} al gruppo|rimosso .{1,300} dal gruppo|creato (?:il gruppo|un gruppo|un sondaggio).*)\.?",
    r"Hai (?:chiamato il gruppo .*|cambiato (?:la foto|il nome|il tema|l(?:’|')emoji).*|abbandonato il gruppo"
    r"|aggiunto .{1,300} al gruppo|rimosso .{1,300} dal gruppo|creato (?:il gruppo|un gruppo|un sondaggio).*)\.?",
    r"heeft (?:de groep .{1,200} genoemd|de (?:groepsfoto|naam|thema) .{0,100}|de groep verlaten"
    r"|.{1,300} (?:aan de groep toegevoegd|uit de groep verwijderd)|de groep gemaakt|een peiling gemaakt.*)\.?",
    r"Je hebt (?:de groep .{1,200} genoemd|de groep verlaten|.{1,300} (?:aan de groep toegevoegd"
    r"|uit de groep verwijderd)|de groep gemaakt|een peiling gemaakt.*)\.?",
    r"(?:nazwa(?:ł|ła|ł\(a\)) grupę .*|zmieni(?:ł|ła|ł\(a\)) (?:zdjęcie|nazwę|motyw|emoji).*"
    r"|opuści(?:ł|ła|ł\(a\)) grupę|doda(?:ł|ła|ł\(a\)) .{1,300} do grupy|usuną(?:ł|ł\(ęła\)) .{1,300} z grupy"
    r"|usunęła .{1,300} z grupy|utworzy(?:ł|ła|ł\(a\)) (?:grupę|ankietę).*)\.?",
    r"Jesteście teraz połączeni w Messengerze\.?",
)


def _compiled(pairs: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of what follows a name, which stand first of each two, and of whole sentences."""
    return re.compile("|".join(f"(?:{text})" for text in pairs[::2])), re.compile(
        "|".join(f"(?:{text})" for text in pairs[1::2])
    )


_KINDS = {
    "attached": _compiled(_ATTACHED),
    "reaction": _compiled(_REACTIONS),
    "call": _compiled(_CALLS),
    "deleted": _compiled(_DELETED),
    "notice": _compiled(_NOTICES),
}
_LONGEST = 500  # characters of such a sentence


def said_by_itself(text: str, sender: str) -> str:
    """Return what kind of sentence the messenger wrote in a sender's name, "" where the text is no such sentence."""
    line = text.strip()
    if len(line) > _LONGEST or "\n" in line:
        return ""
    rest = after_name(line, sender)
    for kind, (after, whole) in _KINDS.items():
        if (rest and after.fullmatch(rest)) or whole.fullmatch(line):
            return kind
    return ""


def after_name(line: str, sender: str) -> str:
    """Return what follows the sender's name, or its first word, at the beginning of a line; "" if neither is there."""
    for name in (sender, sender.partition(" ")[0]):
        if name and line.startswith(name + " "):
            return line[len(name) + 1 :]
    return ""
