"""Words of signing in and out."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "sign_in.title": ("Sisselogimine", "Sign in"),
    "sign_in.name": ("Sinu nimi", "Your name"),
    "sign_in.name_why": (
        "Läheb tegevuste logisse, et oleks näha, kes mida tegi.",
        "Goes into the audit log, so that it shows who did what.",
    ),
    "sign_in.token": ("Operaatori märk", "Operator token"),
    "sign_in.go": ("Logi sisse", "Sign in"),
    "sign_in.with": ("Logi sisse: {provider}", "Sign in with {provider}"),
    "sign_in.again": ("Logi uuesti sisse", "Sign in again"),
    "sign_in.wrong": ("Märk ei ole õige.", "The token is not right."),
    "sign_in.forged": (
        "Vorm tuli teiselt lehelt. Sisesta andmed siin.",
        "The form came from another site. Fill it in here.",
    ),
    "sign_in.locked": (
        "Liiga palju valesid katseid. Proovi uuesti {minutes} minuti pärast.",
        "Too many wrong tries. Try again in {minutes} min.",
    ),
    "sign_in.nobody": (
        "VESTLUS_OPERATOR_TOKEN ei ole seadistatud, seega ei saa keegi sisse.",
        "VESTLUS_OPERATOR_TOKEN is not set, so nobody can sign in.",
    ),
    "sign_in.left": ("Oled välja logitud.", "You are signed out."),
    "sign_in.leave_too": ("Logi välja ka siit: {provider}", "Sign out of {provider} too"),
    "sign_in.failed": ("Sisselogimine ei õnnestunud", "Signing in did not work"),
    "sign_in.why.away": (
        "{provider} ei vasta. Proovi varsti uuesti.",
        "{provider} does not answer. Try again soon.",
    ),
    "sign_in.why.unfit": (
        (
            "{provider} ei sobi seadistusega. Seda peab parandama teenuse haldaja: vestlus doctor "
            "ütleb, mida."
        ),
        (
            "{provider} does not fit the settings. Whoever runs the service has to mend that: "
            "vestlus doctor says what."
        ),
    ),
    "sign_in.why.not_begun": (
        "See sisselogimine ei alanud selles brauseris või võttis liiga kaua. Alusta uuesti.",
        "This sign-in did not begin in this browser, or took too long. Begin again.",
    ),
    "sign_in.why.refused_there": (
        "{provider} ei lasknud sind sisse või katkestasid ise.",
        "{provider} did not let you in, or you stopped it.",
    ),
    "sign_in.why.code": (
        "Kood, millega {provider} su tagasi saatis, ei kehti enam. Alusta uuesti.",
        "The code with which {provider} sent you back is not valid any more. Begin again.",
    ),
    "sign_in.why.id_token": (
        "Seda, mille {provider} saatis, ei saa usaldada. Kedagi sisse ei lastud.",
        "What {provider} sent cannot be trusted. Nobody was let in.",
    ),
    "sign_in.why.no_role": (
        (
            "{who}: sul ei ole siin rolli. Küsi seda oma asutuse haldajalt, kes annab rolle "
            "teenuses {provider}."
        ),
        "{who}: you have no role here. Ask whoever gives out roles in {provider}.",
    ),
    "sign_in.why.too_many_groups": (
        (
            "{who}: sul on nii palju rühmi, et {provider} neid ei saada. Kasutada tuleb rakenduse "
            "rolle."
        ),
        (
            "{who}: you are in so many groups that {provider} does not send them. App roles "
            "have to be used instead."
        ),
    ),
}
