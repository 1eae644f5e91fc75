"""Words of what the audit calls actions."""

from __future__ import annotations

from typing import Final

_BY_ACTION: Final[dict[str, tuple[str, str]]] = {
    "account.connect": ("konto ühendamine", "connect an account"),
    "account.deauthorise": ("ühenduse lõpetamine Instagramis", "disconnected at Instagram"),
    "account.recover": ("vahele jäänud sõnumite otsimine", "look for missed messages"),
    "account.refresh": ("konto loa uuendamine", "refresh an account's token"),
    "account.start": ("konto käivitamine", "start an account"),
    "account.stop": ("konto peatamine", "stop an account"),
    "api.enter": ("API kasutamine", "use of the API"),
    "audit.export": ("tegevuste logi allalaadimine", "download the audit log"),
    "conversation.approve": ("mustandi kinnitamine", "approve a draft"),
    "conversation.hand_back": ("vestluse botile tagasi andmine", "hand a conversation back"),
    "conversation.preserve": ("vestluse säilitamine", "preserve a conversation"),
    "conversation.read": ("vestluse loetuks märkimine", "mark a conversation as read"),
    "conversation.reject": ("mustandi tagasi lükkamine", "reject a draft"),
    "conversation.release": ("säilitamise lõpetamine", "preserve a conversation no longer"),
    "conversation.reply": ("inimesena vastamine", "answer as a person"),
    "conversation.take_over": ("vestluse ülevõtmine", "take a conversation over"),
    "dead_letter.discard": ("surnud kirja kõrvale panek", "discard a dead letter"),
    "dead_letter.replay": ("surnud kirja uuesti saatmine", "replay a dead letter"),
    "erasure.close": ("kustutamise lõpetamine", "close an erasure"),
    "event.fire": ("sündmuse käivitamine", "fire an event"),
    "image.add": ("pildi lisamine", "add a picture"),
    "image.describe": ("pildi andmete muutmine", "change a picture's data"),
    "image.remove": ("pildi kustutamine", "delete a picture"),
    "image.retire": ("pildi kasutuse lõpetamine", "end the use of a picture"),
    "pool.resize": ("protsesside arvu muutmine", "resize a pool"),
    "post.approve": ("postituse heakskiitmine", "approve a post"),
    "post.cancel": ("postituse ära jätmine", "cancel a post"),
    "post.plan": ("postituse koostamine", "plan a post"),
    "post.publish_now": ("postituse kohe avaldamine", "publish a post now"),
    "post.reject": ("postituse tagasi lükkamine", "reject a post"),
    "retention.run": ("vanade andmete kustutamine", "delete what is old"),
    "schedule.add": ("ajakava lisamine", "add a schedule"),
    "schedule.pause": ("ajakava peatamine", "pause a schedule"),
    "schedule.remove": ("ajakava eemaldamine", "remove a schedule"),
    "schedule.resume": ("ajakava jätkamine", "resume a schedule"),
    "session.begin": ("sisselogimine", "sign in"),
    "session.end": ("seansi lõpetamine", "end a session"),
    "session.end_all": ("kõigi väljalogimine", "sign everybody out"),
    "session.end_one": ("kellegi väljalogimine", "sign somebody out"),
    "session.leave": ("väljalogimine", "sign out"),
    "store.repartition": ("vestluste ümberjaotamine", "repartition the store"),
    "store.restored": ("taastamine varukoopiast", "restored from a backup"),
    "user.erase": ("kasutaja andmete kustutamine", "erase a user's data"),
    "user.export": ("kasutaja andmete väljastamine", "export a user's data"),
}

#: All of them, by their names.
ACTIONS: Final = tuple(sorted(_BY_ACTION))

WORDS: Final[dict[str, tuple[str, str]]] = {
    f"actions.{action}": said for action, said in _BY_ACTION.items()
}
