"""Name the kinds of files that are no customer list, or that are not read, by their first bytes."""

import codecs
import re
import zlib
from typing import Final
from zipfile import BadZipFile, ZipFile

HEAD_BYTES: Final = 4096
SAFT_NAMESPACE: Final = "StandardAuditFile-Taxation-Financial:NO"
_WORKBOOK_NAMESPACES: Final = {
    "Workbook": "urn:schemas-microsoft-com:office:spreadsheet",
    "document": "urn:oasis:names:tc:opendocument:xmlns:table",
}
_OPEN_DOCUMENT: Final = "application/vnd.oasis.opendocument."
_ENDING: Final = re.compile(r"\.[a-z0-9]{1,6}\Z")
_EXPORT: Final = "export the customers as CSV or Excel"
_PREFIXES: Final = {
    b"%PDF": ("a PDF document", _EXPORT),
    b"UNA": ("an EDIFACT message", _EXPORT),
    b"UNB+": ("an EDIFACT message", _EXPORT),
    b"ISA*": ("an X12 message", _EXPORT),
    b"{\\rtf": ("a text document (RTF)", _EXPORT),
    b"7z\xbc\xaf\x27\x1c": ("a 7-Zip archive", "unpack it, or use zip"),
    b"Rar!\x1a\x07": ("a RAR archive", "unpack it, or use zip"),
    b"BZh91AY&SY": ("a bzip2 file", "unpack it, or use gzip"),
    b"\xfd7zXZ\0": ("an xz file", "unpack it, or use gzip"),
    b"PK\x05\x06": ("an empty zip", "check the system that exported it"),
    b"SQLite format 3\0": ("an SQLite database", "set it in ARMREST_SOURCES, and read sql:NAME"),
    b"\0\1\0\0Standard Jet DB": ("an Access database", _EXPORT),
    b"\0\1\0\0Standard ACE DB": ("an Access database", _EXPORT),
    b"\x89PNG": ("a picture (PNG)", _EXPORT),
    b"\xff\xd8\xff": ("a picture (JPEG)", _EXPORT),
    b"GIF8": ("a picture (GIF)", _EXPORT),
    b"MZ": ("a program", _EXPORT),
    b"\x7fELF": ("a program", _EXPORT),
    b"BEGIN:VCARD": ("a file of contacts (vCard)", _EXPORT),
    b"MIME-Version:": ("a web archive (.mht)", "open it in Excel, and save it as .xlsx"),
    b"version https://git-lfs": ("a placeholder of Git LFS, not the file itself", "run git lfs pull"),
}
_DBASE: Final = re.compile(rb"[\x02\x03\x30\x31\x43\x63\x83\x8b\xcb\xf5].[\x01-\x0c][\x01-\x1f]", re.DOTALL)
_SQL: Final = re.compile(
    rb"(?:--[^\n]*\n\s*|/\*[^*]*\*/;?\s*|SET\s[^;\n]*;\s*)*(?:INSERT\s+INTO|CREATE\s+(?:TABLE|DATABASE)|DROP\s+TABLE)\s",
    re.IGNORECASE,
)
_YAML: Final = re.compile(rb"(?:---\s+)?-[ \t]+\w+:[ \t][^\n]*\n(?:[ \t]+\w+:(?:[ \t][^\n]*)?\n)+")
"""A list: a line such as `Rapport: Kunder` may be a title above a table."""
_SIE: Final = re.compile(rb"#FLAGGA\s|#PROGRAM\s")
_SYLK: Final = re.compile(rb"ID;P[A-Z]+(?:;[NE])*\r?\n(?:P;[PFE]|B;[XY]|C;[XY]|F;|O;)")
"""Not only the first line: a CSV may begin with the columns `ID;POSTNR`."""
_PATTERNS: Final = {
    _SYLK: ("a SYLK file", "open it in Excel, and save it as .xlsx"),
    _SQL: ("a script of SQL", _EXPORT),
    _YAML: ("a YAML file", "export the customers as JSON, CSV or Excel"),
    _SIE: ("a SIE file, which has accounts and no customers", _EXPORT),
}
_UNA: Final = re.compile(rb"UNA.{6}\s*UNB|UNB\+UNO", re.DOTALL)
_TAR_MARK: Final = slice(257, 262)
_ROOT: Final = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_BEFORE_ROOT: Final = re.compile(
    r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE
)
_HTML_TAGS: Final = frozenset(
    {"html", "head", "body", "table", "meta", "style", "title", "div", "center", "font", "script", "p", "form", "tr"}
)


def other_kind(head: bytes) -> tuple[str, str] | None:
    """What a file is and what to do with it, if it is of a kind that is not read; None if it may be a table."""
    start = head.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    for prefix, kind in _PREFIXES.items():
        if head.startswith(prefix) or (prefix.isascii() and start.startswith(prefix)):
            if prefix.startswith(b"UN") and not _UNA.match(start):
                continue
            if prefix == b"MZ" and head.isascii() and b"\0" not in head:
                continue
            return kind
    named = next((named for pattern, named in _PATTERNS.items() if pattern.match(start)), None)
    if named:
        return named
    if _DBASE.match(head) and b"\0" in head[12:32]:
        return "a dBase table (.dbf)", "open it in LibreOffice, and save it as .xlsx"
    if head[_TAR_MARK] == b"ustar":
        return "a tar archive", "unpack it, or use zip"
    return None


def markup_root(head: bytes) -> str | None:
    """The name of the outermost element, without its prefix; `html` for a web page; None if this is no markup."""
    text = _decoded(head)
    if not text.lstrip("\ufeff \t\r\n").startswith("<"):
        return None
    rest = text.lstrip("\ufeff")
    is_html = rest.lstrip()[:14].casefold().startswith("<!doctype html")
    while before := _BEFORE_ROOT.match(rest):
        rest = rest[before.end() :]
    root = _ROOT.match(rest)
    if root is None:
        return "html" if is_html else None
    return "html" if is_html or root[1].casefold() in _HTML_TAGS else root[1]


def is_workbook_in_xml(head: bytes, root: str | None) -> bool:
    """Whether markup with this root is a workbook: Excel's XML of 2003, or OpenDocument in one file."""
    namespace = _WORKBOOK_NAMESPACES.get(root or "")
    return namespace is not None and namespace in _decoded(head)


def is_norwegian_audit_file(head: bytes) -> bool:
    """Whether a SAF-T file is the Norwegian SAF-T Financial."""
    text = _decoded(head)
    return SAFT_NAMESPACE in text or ("StandardAuditFile" not in text and "AuditFileCountry>NO<" in text)


def is_spreadsheet(archive: ZipFile) -> bool:
    """Whether a zip is a workbook: of Excel, binary or not, or of OpenDocument."""
    names = [name.lower() for name in archive.namelist()]
    is_office = "[content_types].xml" in names
    if is_office and any(name.replace("\\", "/").lstrip("/").startswith("xl/") for name in names):
        return True
    if is_office and document_kind(archive) is None:
        return True  # its parts have unusual names
    return _mime_type(archive).startswith(f"{_OPEN_DOCUMENT}spreadsheet")


def document_kind(archive: ZipFile) -> tuple[str, str] | None:
    """What a zip is if it is a document and not an archive, and what to do with it."""
    names = [name.lower() for name in archive.namelist()]
    for start, what in (("word/", "a Word document"), ("ppt/", "a PowerPoint presentation")):
        if any(name.startswith(start) for name in names):
            return what, _EXPORT
    if any(name.endswith(".iwa") for name in names):
        return "a document of Apple Numbers or Pages", "export it as Excel or CSV"
    mime_type = _mime_type(archive)
    if mime_type.startswith(_OPEN_DOCUMENT) and not mime_type.startswith(f"{_OPEN_DOCUMENT}spreadsheet"):
        return "an OpenDocument file that is no spreadsheet", _EXPORT
    return None


def old_document_kind(data: bytes) -> tuple[str, str] | None:
    """What a compound file of old Office is if it is no workbook, and what to do with it."""
    for stream, what in (("WordDocument", "a Word document"), ("__substg1.0_", "an e-mail of Outlook")):
        if stream.encode("utf-16-le") in data:
            return what, _EXPORT
    return None


def ending_of(name: str) -> str:
    """The ending of a file's name, `.csv`; `other` if it has none that may be shown."""
    ending = _ENDING.search(name.lower())
    return ending[0] if ending else "other"


def _mime_type(archive: ZipFile) -> str:
    try:
        return archive.read("mimetype").decode("ascii", "replace").strip()
    except (KeyError, BadZipFile, zlib.error, RuntimeError):
        return ""


def _decoded(head: bytes) -> str:
    """The start of a file as text: its letters outside ASCII do not matter here."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace")
    for codec, sign in (("utf-16-le", b"<\0"), ("utf-16-be", b"\0<")):
        if head.startswith(sign):
            return head.decode(codec, "replace")
    return head.decode("utf-8", "replace")
