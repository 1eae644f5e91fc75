from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfWriter
from structlog.testing import capture_logs

from vestlus.assistant import knowledge_files
from vestlus.assistant.knowledge_files import Document, look, read


def pdf(*pages: str) -> bytes:
    """A PDF with a line of text on each page, in Helvetica."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b""]
    kids = []
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
    for text in pages:
        content = b"BT /F1 12 Tf 72 720 Td (" + text.encode("cp1252") + b") Tj ET"
        number = len(objects) + 1
        kids.append(b"%d 0 R" % number)
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R"
            b"/Resources<</Font<</F1 %b>>>>>>" % (number + 1, font),
            b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
        ]
    objects[1] = b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(kids), b" ".join(kids))
    body, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj%b endobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer


def texts(folder: Path) -> dict[str, str]:
    return {one.name: one.text for one in read(look(folder), {}) if one.text}


def reasons(folder: Path) -> dict[str, str]:
    with capture_logs() as logs:
        read(look(folder), {})
    return {
        Path(line["path"]).name: line["reason"]
        for line in logs
        if line["event"] == "knowledge_file_left_out"
    }


def test_markdown_text_and_pdf_are_read_in_all_folders_by_name(tmp_path: Path) -> None:
    (tmp_path / "tasud").mkdir()
    (tmp_path / "tasud" / "hinnad.md").write_text("# Hinnad\r\n\r\nTasuta", "utf-8")
    (tmp_path / "b.TXT").write_text("\ufeffTekst\x00\x0c lõpp", "utf-8")
    (tmp_path / "a.pdf").write_bytes(pdf("Kontori telefon 600 0000", "Teine lehekülg"))
    found = texts(tmp_path)
    assert list(found) == ["a.pdf", "b.TXT", "tasud/hinnad.md"]
    assert found["tasud/hinnad.md"] == "# Hinnad\n\nTasuta"
    assert found["b.TXT"] == "Tekst\x0c lõpp"
    assert found["a.pdf"] == "Kontori telefon 600 0000\n\nTeine lehekülg"


def test_what_cannot_be_used_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge_files, "MAX_FILE_BYTES", 5_000)
    (tmp_path / "good.md").write_text("Hea")
    (tmp_path / "letter.docx").write_bytes(b"PK")
    (tmp_path / "broken.pdf").write_bytes(pdf("Tere")[:60])
    (tmp_path / "garbage.pdf").write_bytes(os.urandom(3_000))
    (tmp_path / "large.txt").write_text("x" * 5_001)
    (tmp_path / "empty.md").write_text(" \n")
    scanned = BytesIO()
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(scanned)
    (tmp_path / "scanned.pdf").write_bytes(scanned.getvalue())
    locked = BytesIO()
    secret = PdfWriter()
    secret.add_blank_page(100, 100)
    secret.encrypt("password", algorithm="RC4-128")
    secret.write(locked)
    (tmp_path / "locked.pdf").write_bytes(locked.getvalue())
    assert texts(tmp_path) == {"good.md": "Hea"}
    found = reasons(tmp_path)
    assert found.pop("garbage.pdf") in ("unreadable", "no_text")
    assert found.pop("broken.pdf") in ("unreadable", "no_text")
    assert found == {
        "letter.docx": "not_markdown_text_or_pdf",
        "large.txt": "too_large",
        "empty.md": "no_text",
        "scanned.pdf": "no_text",
        "locked.pdf": "unreadable",
    }


def test_another_encoding_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_bytes("Püha".encode("latin-1"))
    with capture_logs() as logs:
        assert texts(tmp_path) == {"old.txt": "P\ufffdha"}
    assert [line["event"] for line in logs] == ["knowledge_file_not_utf8"]


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "keys.txt").write_text("key")
    folder = tmp_path / "knowledge"
    folder.mkdir()
    (folder / "file.txt").symlink_to(secret / "keys.txt")
    (folder / "folder").symlink_to(secret)
    (folder / "up").symlink_to("..")
    (folder / "nowhere.md").symlink_to("missing.md")
    (folder / "circle.md").symlink_to("circle.md")
    (folder / "own.md").write_text("oma")
    assert texts(folder) == {"own.md": "oma"}


def test_a_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.md").write_text("a")
    (tmp_path / "link").symlink_to("real")
    assert texts(tmp_path / "link") == {"a.md": "a"}


def test_a_kubernetes_volume_is_read_once(tmp_path: Path) -> None:
    inner = tmp_path / "..2026_01_01"
    inner.mkdir()
    (inner / "a.md").write_text("a")
    (tmp_path / "..data").symlink_to("..2026_01_01")
    (tmp_path / "a.md").symlink_to("..data/a.md")
    assert texts(tmp_path) == {"a.md": "a"}


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.md").write_text("b")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "twice").symlink_to(tmp_path / "a")
    assert list(texts(tmp_path).values()) == ["b"]


def test_pipes_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert look(tmp_path) == ()


def test_folders_nested_too_deep_are_not_entered(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(12):
        deep = deep / "x"
        deep.mkdir()
        (deep / "a.md").write_text("a")
    assert len(look(tmp_path)) == 8


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        look(tmp_path / "missing")


def test_only_changed_files_are_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "b.md").write_text("b")
    first = {one.name: one for one in read(look(tmp_path), {})}
    known = {name: Document(name, one.stamp, f"kept {name}") for name, one in first.items()}
    (tmp_path / "b.md").write_text("changed")
    assert [one.text for one in read(look(tmp_path), known)] == ["kept a.md", "changed"]


def test_what_is_too_much_is_left_out_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge_files, "MAX_FILES", 3)
    monkeypatch.setattr(knowledge_files, "MAX_CHARACTERS", 10)
    for name, size in {"a": 6, "b": 6, "c": 4, "d": 1}.items():
        (tmp_path / f"{name}.md").write_text(name * size)
    assert list(texts(tmp_path)) == ["a.md", "c.md"]
    assert reasons(tmp_path) == {"b.md": "too_much_in_all", "d.md": "too_many_files"}
    known = {one.name: one for one in read(look(tmp_path), {})}
    (tmp_path / "a.md").unlink()
    after = {one.name: one.text for one in read(look(tmp_path), known)}
    assert after == {"b.md": "bbbbbb", "c.md": "cccc", "d.md": ""}


def test_a_pdf_with_too_many_pages_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knowledge_files, "MAX_PAGES", 2)
    (tmp_path / "a.pdf").write_bytes(pdf("One", "Two", "Three"))
    with capture_logs() as logs:
        assert texts(tmp_path) == {"a.pdf": "One\n\nTwo"}
    assert logs[0]["event"] == "knowledge_file_cut"


def test_a_pdf_that_takes_too_long_is_left_out_until_it_changes(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf("One", "Two", "Three", "Four"))
    (tmp_path / "b.md").write_text("Hea")
    ticks = iter(range(0, 1_000, 8))
    with capture_logs() as logs:
        slow, other = read(look(tmp_path), {}, lambda: float(next(ticks)))
    assert (slow.text, other.text) == ("", "Hea")
    assert [(line["event"], line["reason"]) for line in logs] == [
        ("knowledge_file_left_out", "too_slow")
    ]
    known = {one.name: one for one in (slow, other)}
    assert read(look(tmp_path), known) == (slow, other)
    (tmp_path / "a.pdf").write_bytes(pdf("One"))
    assert read(look(tmp_path), known)[0].text == "One"
