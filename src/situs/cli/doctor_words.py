"""What ``situs doctor`` says of each check: what is so, and what to do about it, in English and German."""

from __future__ import annotations

from collections.abc import Mapping

Words = Mapping[str, tuple[str, str]]
"""check -> what is so, what to do"""

ENGLISH: Words = {
    "estate-wrong": ("the estate cannot be read: {cause}", "put it right; `situs validate` tells all of it"),
    "site-answers": ("answers in {seconds:.1f} s, {cpus} processors, keeps runs apart by {apart}", ""),
    "site-options": ("it cannot be opened: {cause}", "put right the site's adapter; `situs site kinds` tells its options"),
    "site-key": ("{cause}", "find out why the key is another one before anything is done there"),
    "site-away": ("it gives no answer: {cause}", "see whether it is up and can be reached from here"),
    "site-broken": ("{cause}", "log in there and put this right"),
    "site-fault": ("{cause}", "this is a fault of situs, report it"),
    "site-silent": ("no answer within {deadline:g} s", "see whether it is up; --deadline waits longer"),
    "site-apart": ("nothing keeps runs apart there", "run there only what may see each other"),
    "site-ahead": ("its clock is {seconds:.0f} s ahead of ours", "have it set by NTP (chrony or systemd-timesyncd)"),
    "site-behind": ("its clock is {seconds:.0f} s behind ours", "have it set by NTP (chrony or systemd-timesyncd)"),
    "site-disk": ("only {gib:.1f} GiB are free where runs are kept", "make room there, or give the site another folder"),
    "site-mode": ("others there may look into the folder of runs ({mode})", "chmod 700 on that folder"),
    "db-missing": ("there is no database yet", "`situs apply` makes it"),
    "db-answers": ("it answers, schema {schema}", ""),
    "db-away": ("{cause}", "see whether the server is up, and its address right"),
    "db-schema": ("it has schema {schema}, this situs needs {wanted}", "back it up, then run `situs db upgrade`"),
    "db-damage": ("it is damaged: {cause}", "stop `situs up`, and restore the newest back-up: `situs db restore`"),
    "db-journal": ("its journal is {journal}, not wal", "put it on a local disk: network file systems cannot do WAL"),
    "db-disk": ("only {gib:.1f} GiB are free where it lies", "make room before it is full"),
    "db-clock": ("its server's clock is {seconds:+.0f} s from ours", "have both set by NTP"),
    "db-plain": ("the way to its server is not encrypted", "add ?sslmode=verify-full to its address"),
    "plane-leads": ("{host}, process {process}, leads for {left:.0f} s more (token {token})", ""),
    "plane-none": ("a plan is in force (generation {generation}) and nobody makes it true", "run `situs up`"),
    "plane-paused": ("paused by {by} since {since}", "`situs resume` once the reason is gone"),
    "plane-never": ("the control plane has not looked at it yet", "wait a minute; else see the log of `situs up`"),
    "plane-unseen": ("the control plane last looked at it {minutes:.0f} min ago", "see the log of `situs up`"),
    "file-folder": ("others may look into it ({mode})", "chmod 700 {subject}"),
    "file-open": ("others may read it ({mode})", "chmod 600 {subject}, and change the passwords and tokens in it"),
    "facts-old": ("its newest figure is of {date}, {days} days old", "bring newer ones: `situs facts import`"),
}  # fmt: skip

GERMAN: Words = {
    "estate-wrong": ("der Bestand ist nicht lesbar: {cause}", "berichtigen; `situs validate` nennt alles"),
    "site-answers": ("antwortet in {seconds:.1f} s, {cpus} Prozessoren, trennt Läufe durch {apart}", ""),
    "site-options": ("lässt sich nicht öffnen: {cause}", "den Adapter berichtigen; `situs site kinds` nennt seine Optionen"),
    "site-key": ("{cause}", "erst klären, warum der Schlüssel ein anderer ist"),
    "site-away": ("antwortet nicht: {cause}", "nachsehen, ob er läuft und von hier erreichbar ist"),
    "site-broken": ("{cause}", "dort anmelden und das in Ordnung bringen"),
    "site-fault": ("{cause}", "ein Fehler in situs, bitte melden"),
    "site-silent": ("keine Antwort in {deadline:g} s", "nachsehen, ob er läuft; --deadline wartet länger"),
    "site-apart": ("nichts trennt dort die Läufe", "nur laufen lassen, was einander sehen darf"),
    "site-ahead": ("seine Uhr geht {seconds:.0f} s vor", "durch NTP stellen lassen (chrony oder systemd-timesyncd)"),
    "site-behind": ("seine Uhr geht {seconds:.0f} s nach", "durch NTP stellen lassen (chrony oder systemd-timesyncd)"),
    "site-disk": ("nur {gib:.1f} GiB sind frei, wo Läufe liegen", "dort Platz schaffen, oder dem Ort einen anderen Ordner geben"),
    "site-mode": ("andere dort sehen in den Ordner der Läufe ({mode})", "chmod 700 auf diesen Ordner"),
    "db-missing": ("noch gibt es keine Datenbank", "`situs apply` legt sie an"),
    "db-answers": ("antwortet, Schema {schema}", ""),
    "db-away": ("{cause}", "nachsehen, ob der Server läuft und die Adresse stimmt"),
    "db-schema": ("Schema {schema}, dieses situs braucht {wanted}", "sichern, dann `situs db upgrade`"),
    "db-damage": ("beschädigt: {cause}", "`situs up` beenden und die neueste Sicherung einspielen: `situs db restore`"),
    "db-journal": ("das Journal ist {journal}, nicht wal", "auf eine örtliche Platte legen: Netzlaufwerke können kein WAL"),
    "db-disk": ("nur {gib:.1f} GiB sind frei, wo sie liegt", "Platz schaffen, bevor sie voll ist"),
    "db-clock": ("die Uhr ihres Servers weicht {seconds:+.0f} s ab", "beide durch NTP stellen lassen"),
    "db-plain": ("der Weg zu ihrem Server ist nicht verschlüsselt", "?sslmode=verify-full an die Adresse hängen"),
    "plane-leads": ("es steuert {host}, Prozess {process}, noch {left:.0f} s (Token {token})", ""),
    "plane-none": ("ein Plan gilt (Generation {generation}), und niemand macht ihn wahr", "`situs up` starten"),
    "plane-paused": ("angehalten von {by} seit {since}", "`situs resume`, sobald der Grund vorbei ist"),
    "plane-never": ("die Steuerung hat noch nicht nach ihm gesehen", "eine Minute warten; sonst das Log von `situs up` ansehen"),
    "plane-unseen": ("die Steuerung sah zuletzt vor {minutes:.0f} min nach ihm", "das Log von `situs up` ansehen"),
    "file-folder": ("andere dürfen hineinsehen ({mode})", "chmod 700 {subject}"),
    "file-open": ("andere dürfen sie lesen ({mode})", "chmod 600 {subject}, und darin stehende Passwörter und Token wechseln"),
    "facts-old": ("der neueste Wert ist vom {date}, {days} Tage alt", "neuere holen: `situs facts import`"),
}  # fmt: skip
