"""What mail servers write in words where they do not report by RFC 3464.

Exim, qmail, Domino, older Exchange, gateways and the large providers each have their own wording,
and it differs from release to release.  So no wording of one system is looked for, but what they
have in common: who writes, how the subject begins, that the mail is brought back, an answer of
SMTP, and the phrases for "it failed", "it is late" and "it is given up" in several languages.
"""

import re
from dataclasses import dataclass
from email.message import Message
from html import unescape
from typing import Literal

_COPY = re.compile(
    r"^[ \t>*]*(?:"
    r"[-=_*#]{2,}[ \t]*(?:this is |below this line is |enclosed is |the following is )?"
    r"(?:a copy of |the |your |beginning of )?"
    r"(?:original|returned|unsent|undelivered|message|mail|header|copy|body"
    r"|transcript of message)"
    r"(?! (?:addresses|log|delivery|system|router)\b)\b.{0,80}"
    r"|[-=_*#]{2,}[ \t]*(?:this is|below|enclosed is|here is)\b.{0,20}\bcopy\b.{0,80}"
    r"|(?:the )?(?:original|returned|unsent) (?:message|mail|e-?mail)(?: headers?)?"
    r"(?: (?:follows|as follows|is attached|is included below))?[ \t]*[.:]?[ \t]*"
    r"|.{0,60}original (?:message|mail) (?:follows|as follows)\b.{0,20}"
    r"|(?:return-path|received|message-id|mime-version|dkim-signature)[ \t]*:.{0,300}"
    r")$",
    re.IGNORECASE | re.MULTILINE,
)
_TAG = re.compile(r"(<[^<>]{1,2000}>)")
_TAG_NAME = re.compile(r"</?([a-z][a-z0-9]*)", re.IGNORECASE)
_UNSEEN = frozenset({"head", "script", "style"})
_BREAKS = frozenset({"br", "div", "h1", "h2", "h3", "li", "p", "tr"})

SERVER_ADDRESS = re.compile(
    r"(?:mailer-?daemon|mail-?daemon|postmaster|post_master|abuse|support|help|helpdesk|admin"
    r"|administrator|hostmaster|webmaster|info|noreply|no-reply|microsoftexchange\w*)@",
    re.IGNORECASE,
)
_SERVER = re.compile(
    r"mailer[-_. ]?daemon|mail[-_. ]?daemon|mdaemon|post[-_ ]?master|mail ?(?:er)?[-_ ]?delivery"
    r"|deliver(?:y|ies)[-_ ](?:service|system|subsystem|agent|status|notification|report|fail)"
    r"|mail (?:system|administrator|transport|router|service|server|agent|gateway)"
    r"|system administrator|internet mail|microsoftexchange|microsoft exchange"
    r"|\bbounces?(?:[-+.@]|\b)|undeliver|non-?delivery|mailsystem|mail_system"
    r"|systemadministrator|systemadmin",
    re.IGNORECASE,
)
_MACHINE = re.compile(
    r"no[-_.]?reply|do[-_.]?not[-_.]?reply|administrator|\broot@|\bsysadmin|\bmail(?:er)?@|notif"
    r"|microsoft outlook|anti-?(?:spam|virus)|gateway|filter|quarantine|security|scan|daemon"
    r"|system"
    r"|mimecast|proofpoint|barracuda|symantec|messagelabs|mailmarshal|ironport|smtp|-admin@"
    r"|robot"
    r"|\bmta\b|exchange|alert|mail@",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"\W{0,3}(?:warning|error|notice|\*+|mail system|permanent)?[\s:!*-]*(?:"
    r"undeliver|non[- ]?deliver|not delivered|deliver\w* (?:status|notification|fail|report|has"
    r"|have"
    r"|to|error|problem|incomplete|delayed|unsuccessful)|delivery$"
    r"|(?:e-?)?mail (?:deliver|fail|could not|can ?not|error|system|status|not|reject|bounce"
    r"|return)"
    r"|return(?:ed|ing) |failure (?:notice|notification|delivery)|failed |bounced?\b|delayed "
    r"|message (?:deliver|not|status|could|undeliver|reject|bounce|fail|you sent|can)"
    r"|(?:your |the )?(?:e-?mail|message) .{0,80}(?:could not|couldn't|was not|wasn't|not be"
    r"|can ?not|can't|has not|rejected|blocked|refused)"
    r"|unable to|could(?: not|n't) |can(?: ?not|'t) (?:deliver|send)|error (?:in|send|deliver"
    r"|while)"
    r"|user unknown|unknown user|rejected[ :]|mailbox (?:full|not|un)|message .{1,40} delayed"
    r"|no se (?:pued|pud|ha)|no entreg|devuelto|correo no|non (?:remis|distri|deliver|recap)"
    r"|impossible|mancat|unzustell|nicht zustell|zustell|onbestelbaar|niet (?:be|af)"
    r"|n.o (?:foi )?entreg|falha|недостав|не достав|無法|无法|退信"
    r"|配信|メール|送信|エラー|전송|반송"
    r")",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"\W{0,3}(?:automat\w* (?:reply|response|answer|antwort)|auto(?:[- ]?(?:reply|response|matic"
    r"|replied|answer))?\b.{0,12}:|auto-?(?:reply|response|respond)"
    r"|out[- ]of[- ](?:the[- ])?office"
    r"|ooo\b|(?:i am |i'm )?(?:away|on (?:leave|vacation|holiday|annual))|vacation|holiday"
    r"|abwesen|automatische|r.ponse automatique|absen|respuesta autom|resposta autom"
    r"|fuera de|risposta automatica|fuori sede|afwezig|自動応答|自动回复|不在)",
    re.IGNORECASE,
)
_CONVERSATION = re.compile(r"\W{0,3}(?:re|aw|sv|antw|fwd?|wg|tr|rv)\s*:", re.IGNORECASE)

_GIVEN_UP = re.compile(
    r"permanent(?:ly)?[ -](?:fatal |delivery )?(?:error|fail|undeliver|reject)"
    r"|(?:fail|reject)\w* permanently"
    r"|(?<!non-)(?<!non)(?<!non )fatal error|(?:ha(?:ve|s)|'ve) given up|(?<!before )giving up\b"
    r"|not going to try again|retry timeout exceeded|will not be (?:retried|tried again)"
    r"|no (?:further|more) (?:delivery )?attempts|(?:deleted|removed) from (?:the )?queue"
    r"|long failure period|in the queue too long|(?:delivery|message|queue)\w* (?:time )?expired"
    r"|will be (?:deleted|returned) (?:from|now)|retries exhausted|for good"
)
_LATE = re.compile(
    r"will (?:be (?:re-?)?tried|be retried|be re-?attempted|continue (?:to|trying|for"
    r"|attempting)"
    r"|keep (?:on )?trying|retry|try (?:to (?:re)?deliver .{0,30})?(?:again|until|for))"
    r"|(?:attempts?|retries|delivery) (?:to deliver .{0,80})?will (?:be (?:made|attempted)"
    r"|continue)"
    r"|still being (?:re)?tried|is still trying|continues to try"
    r"|(?:not|n't) (?:need|have) to (?:re-?send|do anything)|no action is (?:required|needed)"
    r"|warning(?: message)? only|this is (?:only |just )?a(?:n? automatic)? warning"
    r"|not yet (?:been )?(?:deliver|reach)|(?:delivery|message|mail|e-?mail)\b.{0,80}\bdelayed"
    r"|delayed (?:mail|delivery|message)|\(delay(?:ed)?\)|\(deferred\)|will-retry-until"
    r"|non-?fatal error|been frozen|frozen on arrival|still in (?:the |our )?(?:mail )?queue"
    r"|still undelivered|(?:not|n't) (?:been )?delivered .{0,40}\byet"
    r"|could not send message for past|delivery (?:status notification )?\(delay"
    r"|temporarily (?:delayed|deferred)|queued for (?:re|later)"
    r"|verzögert|weiterhin versucht|retardé|a été retard|sera réessay|se ha retrasado|retrasad"
    r"|atrasad|ritardo nella|vertraagd|遅延|再送|задерж|отложен|延迟|延遲"
)
_FAILED = re.compile(
    r"(?:could|can|did|was|were|has|have|had|been|is) ?(?:not|n't|n’t"
    r"|unable to) (?:be )?(?:been )?"
    r"(?:fully |successfully |able to )?(?:be )?(?:deliver|sent|send|complet|process|reach|relay"
    r"|transmit|accept|receiv|found|establish|distribut|forward|deposit|route)"
    r"|not (?:be )?(?:been )?(?:deliver|possible to deliver|listed in|accepted)|undeliver"
    r"|non-?deliver"
    r"|unable to (?:deliver|relay|send|route|find|process|reach|complete)"
    r"|fail(?:ed|ure|s)? (?:to |in |while |on |during )?(?:deliver|send|reach|relay|notice"
    r"|deliver)"
    r"|deliver\w* .{0,80}\b(?:fail|abort|refus|reject|unsuccess|not possible|impossible|error)"
    r"|(?:mail|message|address\w*|recipient\w*|smtp|transport|following) (?:\w+ ){0,3}"
    r"(?:fail|error|reject|bounced|refused)"
    r"|return(?:ed|ing) (?:mail|(?:message |mail )?to (?:the )?sender|to you|undeliver)"
    r"|(?:user|recipient|mail ?box|address|account|addressee|host|domain|destination|customer"
    r"|subscriber)\b.{0,60}\b(?:unknown|not (?:be )?(?:found|exist|recogni|listed|known|valid"
    r"|unique"
    r"|active|available)|n't exist|unavailable|disabled|invalid|reject|inactive|suspend|full"
    r"|discontinued|closed|expired|terminated|no longer|unroutable|blocked|over ?quota)"
    r"|(?:unknown|invalid|bad|no such|nonexistent|non-existent|illegal|undefined"
    r"|inactive) (?:\w+ )?"
    r"(?:user|recipient|address|host|mail ?box|person|domain|account|destination|local|customer)"
    r"|(?:does ?n.t|does not|did not|do not) exist|no (?:such|mailbox|valid recipient|route)"
    r"|unrout(?:e)?able|bounced? message|(?:was|been|is|were|be) (?:rejected|blocked|refused"
    r"|bounced"
    r"|returned|denied|quarantined|discarded|dropped)|reject(?:ed|s) (?:by|your|the|as|for)"
    r"|(?:over|exceed\w*) .{0,30}\b(?:quota|storage|limit|maximum|size|hop)|quota exceeded"
    r"|mailbox (?:is |was )?full|disk full|too (?:large|big|many (?:hops|recipients|received))"
    r"|problems? (?:while |in |with )?deliver|error (?:while |in )?(?:deliver|send)"
    r"|does not (?:like|accept)|not recogni[sz]ed|no longer (?:active|available|valid|in use)"
    r"|relay(?:ing)? (?:access )?denied|access denied|loop(?:ing)? (?:detected|back)|mail loop"
    r"|not (?:a )?(?:member|allowed|permitted|authori[sz]ed)|may not exist|address not found"
    r"|message (?:blocked|not delivered|too large)|recipient inbox full"
    r"|unzustellbar|(?:nicht|kein\w*) .{0,60}(?:zugestellt|übermittelt|zustell|gesendet|erreich)"
    r"|n.a pas (?:pu|été)|n.ont pas (?:pu|été)|non (?:remis|distribu)|impossible de|échec"
    r"|adresse inconnue"
    r"|no (?:se )?(?:pudo|ha podido|puede|fue|ha sido) .{0,30}(?:entreg|envia)|no entregado"
    r"|no existe"
    r"|n.o (?:p.de|pode|foi) .{0,30}(?:entreg|envia)|falha|endereço inválido"
    r"|non (?:è stato |e. stato |può |ha potuto )?.{0,30}(?:consegnat|recapitat|possibile)"
    r"|niet .{0,40}(?:bezorg|aflever|afgelever|besteld)|kunde inte|kunne ikke|ei voitu"
    r"|не (?:может|удалось|было|могут|удается).{0,40}достав|недостав|не существует|nie (?:można"
    r"|udało|mog)"
    r"|配信(?:でき|に失敗|不能|エラー|されません)|送信(?:でき|に失敗)|届(?:けられ|きません|けでき)|宛先不明"
    r"|見つかりません|存在しません|配送でき|お届けでき|退信|(?:无法|未能|無法).{0,12}(?:投递|送达|发送|投遞|傳遞|傳送|送達)"
    r"|不存在|전송(?:되지|하지|에 실패)|반송"
)
_HELD = re.compile(
    r"(?:await|pending|held|waiting|queued) .{0,60}(?:approv|moderat|confirm|review|release)"
    r"|(?:please |to )(?:confirm|verify) (?:your|that you|this)|(?:reply"
    r"|click) .{0,60}to (?:confirm"
    r"|release|have (?:it|your))"
)
_BOUNCE_NOTICE = re.compile(r'"(?:notification|event)Type"\s*:\s*"Bounce"')
"""What Amazon SES sends through its notification service."""
_REPLY = re.compile(r"(?<![\d.,/-])5[0-7]\d(?:[ :-]|$)(?!\d\d)")
_STATUS = re.compile(r"(?<![\d.])5\.\d{1,3}\.\d{1,3}(?![\d.])")
_ARRIVED = re.compile(
    r"(?:success\w*|was|been|is) (?:been )?(?:successfully )?(?:delivered|relayed|received by)"
    r"|delivery confirmation|return receipt|successful (?:mail )?delivery"
)


_LEFT = re.compile(
    r"no longer (?:work|employ|with (?:the|our|us)|at (?:the|our)|a member of|affiliated)"
    r"|(?:ha(?:s|ve)|'ve|'s) (?:now |recently )?(?:left|retired|resigned|moved on)\b"
    r"|(?:left|leaving) (?:the|our|my) (?:district|school|agency|office|position|county|company"
    r"|organi[sz]ation|college|charter)"
    r"|(?:am|is) (?:now )?retired|last day (?:was|with|at)|ya no (?:trabajo|trabaja)"
)

_REASON_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Said:
    """What a server's words come to."""

    verdict: Literal["failed", "temporary", "automatic", "unclear"]
    status: str = ""
    why: str = ""
    """The line that says so; blank where only the subject does."""


def without_markup(page: str) -> str:
    """The words of an HTML page."""
    kept: list[str] = []
    unseen = ""
    for piece in _TAG.split(page):
        tag = _TAG_NAME.match(piece)
        name = tag[1].casefold() if tag else ""
        if unseen:
            if name == unseen and piece.startswith("</"):
                unseen = ""
        elif name in _UNSEEN and not piece.startswith("</"):
            unseen = name
        elif not piece.startswith("<"):
            kept.append(piece)
        else:
            kept.append("\n" if name in _BREAKS else " ")
    return unescape("".join(kept))


def own_words(text: str) -> tuple[str, bool]:
    """What a server says before it brings the mail back, and whether it does so in the text."""
    copy = _COPY.search(text)
    return (text[: copy.start()], True) if copy else (text, False)


def standing(
    message: Message, subject: str, text: str, *, brought: bool
) -> Literal["server", "automatic", "foreign"]:
    """Who writes: a mail server about a mail, a machine in somebody's place, or somebody."""
    sender = str(message.get("From", ""))
    path = str(message.get("Return-Path", "")).strip()
    answers = _ANSWER.match(subject) or _header(message, "X-Autoreply", "X-Autorespond")
    if message.get("X-Failed-Recipients") or sender.strip() == "<>":
        return "server"
    if _SERVER.search(sender) and not answers:
        return "server"
    if _BOUNCE_NOTICE.search(text):
        return "server"
    mechanical = (
        answers
        or _header(message, "Auto-Submitted") not in ("", "no")
        or _header(message, "Precedence") in ("auto_reply", "bulk", "junk", "list")
        or path == "<>"
    )
    if not answers and not _CONVERSATION.match(subject):
        if _SUBJECT.match(subject) and (mechanical or brought or _MACHINE.search(sender)):
            return "server"
        if brought and (path == "<>" or _MACHINE.search(sender)):
            return "server"
    return "automatic" if mechanical else "foreign"


def verdict(subject: str, text: str) -> Said:
    """Whether a server says that a mail failed, that it is late, or something else."""
    lower = " ".join(f"{subject} {text}".casefold().split())
    given_up = _GIVEN_UP.search(lower)
    if _LATE.search(lower) and not given_up:
        return Said("temporary")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    if _HELD.search(lower) and not given_up and not any(_REPLY.search(line) for line in lines):
        return Said("automatic")
    refused = [line for line in lines if _REPLY.search(line) or _STATUS.search(line)]
    if refused or given_up or _FAILED.search(lower):
        status = _STATUS.search(" ".join(refused))
        # A line without an answer of SMTP: the introduction stands first, the reason last.
        reasons = [line for line in lines if _FAILED.search(line.casefold())]
        why = refused[0] if refused else reasons[-1] if reasons else ""
        return Said("failed", status[0] if status else "", why[:_REASON_LIMIT])
    return Said("automatic") if _ARRIVED.search(lower) else Said("unclear")


def says_left(text: str) -> bool:
    """Whether somebody's words say that they, or the reader, do not work there any more."""
    return bool(_LEFT.search(" ".join(text.casefold().replace("\u2019", "'").split())))


def _header(message: Message, *names: str) -> str:
    """The first of these headers that is there, without a parameter, in small letters."""
    for name in names:
        if value := str(message.get(name, "")).partition(";")[0].strip().casefold():
            return value
    return ""
