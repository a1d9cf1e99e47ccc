"""The technical document of a project: read, compare, edit a section (C11)."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query
from markdown_it import MarkdownIt
from pydantic import Field

from bihuan_chassis.auth import Person
from bihuan_chassis.http import EVERYONE, Body, Caller, Conflict, Forbidden, NotFound, Reply, Tx, allow, invalid, router
from bihuan_contracts import Text
from changes import store
from changes.api.access import actor
from changes.api.form import PUBLISHERS
from changes.domain.documents import INTRODUCTION, Section, pieces
from changes.store import documents

routes = router(tags=["documents"])
Module = Annotated[str, Path(min_length=1, max_length=120)]


class SectionReply(Reply):
    module: str
    """`-` is the section that is about no module."""
    title: str
    body: str
    """Markdown."""
    html: str
    """The same, rendered: no markup of the writer's own gets through."""
    item_version: str | None
    """The version of the module that the section describes."""
    current_version: str | None
    version: int
    by_name: str | None
    change: str | None
    """Number of the change that wrote this version."""
    at: datetime
    may_edit: bool


class VersionLine(Reply):
    version: int
    title: str
    module: str
    by_name: str | None
    change: UUID | None
    change_number: str | None
    at: datetime


class DocumentReply(Reply):
    project: UUID
    code: str
    name: str
    version: int
    """0: nothing has been written yet."""
    newest: int
    sections: list[SectionReply]
    versions: list[VersionLine]
    modules: list[str]
    """Modules without a section that the caller may write one for."""
    may_edit: bool


class PieceReply(Reply):
    kind: str
    text: str


class SectionDifference(Reply):
    module: str
    title: str
    old_version: str | None
    new_version: str | None
    pieces: list[PieceReply]


class DocumentDifference(Reply):
    old: int
    new: int
    sections: list[SectionDifference]
    """Only those that differ."""


class SectionIn(Body):
    version: int
    """The version of the section that the writer started from; 0 for a new one."""
    title: Annotated[str, Field(min_length=1, max_length=120)]
    body: Annotated[str, Field(max_length=100_000)]


@routes.get("/projects/{project}/document", dependencies=[allow(EVERYONE)])
async def read_document(
    project: UUID, tx: Tx, caller: Caller, version: Annotated[int | None, Query(ge=1)] = None
) -> DocumentReply:
    """The document as it is, or as it was in a version."""
    return await _document(tx, await _project(tx, project), caller, version)


@routes.get("/projects/{project}/document/differences", dependencies=[allow(EVERYONE)])
async def compare_document(
    project: UUID, tx: Tx, old: Annotated[int, Query(ge=0)], new: Annotated[int, Query(ge=1)]
) -> DocumentDifference:
    """What differs between two versions, section by section."""
    await _project(tx, project)
    if old >= new:
        raise invalid("old", "not_older", "应早于另一版本", "Should be older than the other version")
    before = (await documents.load_sections(tx, [project], at=old)).get(project, {})
    after = (await documents.load_sections(tx, [project], at=new)).get(project, {})
    return DocumentDifference(
        old=old,
        new=new,
        sections=[_difference(before.get(one.module), one) for one in after.values() if one.version > old],
    )


@routes.put("/projects/{project}/document/sections/{module}", dependencies=[allow(PUBLISHERS)])
async def write_section(project: UUID, module: Module, body: SectionIn, tx: Tx, caller: Caller) -> DocumentReply:
    """The next version of a section, by the project's lead or who answers for the module; a stale one shows both."""
    found = await _project(tx, project)
    if not _may_edit(found, module, await documents.modules_of(tx, caller.id), caller):
        raise Forbidden(
            text=Text(zh="只有项目或模块负责人可以编辑", en="Only the project's lead or the module's owner may edit")
        )
    items = await store.load_items(tx, [module])
    if module != INTRODUCTION and module not in items:
        raise invalid("module", "unknown_module", f"没有模块 {module}", f"There is no module {module}")
    versions = await documents.lock_documents(tx, [project])
    known = (await documents.newest_sections(tx, [(project, module)])).get((project, module))
    if (known.version if known else 0) != body.version:
        state = await _document(tx, found, caller, None)
        raise Conflict("stale", state=state.model_dump(mode="json"))
    item_version = items[module].version if module in items else None
    section = Section(module, body.title, body.body, item_version, versions[project] + 1, caller.id)
    await documents.save_sections(tx, [(project, section, None)])
    return await _document(tx, found, caller, None)


async def _project(tx: Tx, project: UUID) -> Any:
    found = await documents.find_project(tx, project)
    if found is None:
        raise NotFound()
    return found


def _may_edit(project: Any, module: str, own: set[str], caller: Person) -> bool:
    return caller.id == project["lead"] or module in own or actor(caller).oversees


async def _document(tx: Tx, project: Any, caller: Person, version: int | None) -> DocumentReply:
    sections = (await documents.load_sections(tx, [project["project"]], at=version)).get(project["project"], {})
    lines = await documents.load_versions(tx, project["project"])
    newest = lines[0]["version"] if lines else 0
    own = await documents.modules_of(tx, caller.id)
    names = await store.people_names(tx, {line["by"] for line in lines if line["by"]})
    items = await store.load_items(tx, sections)
    world = await store.modules_of_project(tx, project["project"])
    current = version is None or version >= newest
    return DocumentReply(
        project=project["project"], code=project["code"], name=project["name"], version=min(version or newest, newest),
        newest=newest,
        sections=[
            SectionReply(
                module=one.module, title=one.title, body=one.body, html=_markdown().render(one.body),
                item_version=one.item_version,
                current_version=items[one.module].version if one.module in items else None, version=one.version,
                by_name=names.get(one.by or ""), change=one.change, at=one.at or tx.now,
                may_edit=current and _may_edit(project, one.module, own, caller),
            )
            for one in sorted(sections.values(), key=lambda one: (one.module != INTRODUCTION, one.module))
        ],
        versions=[
            VersionLine(
                version=line["version"], title=line["title"], module=line["module"],
                by_name=names.get(line["by"] or ""), change=line["change"], change_number=line["number"], at=line["at"],
            )
            for line in lines
        ],
        modules=[
            module
            for module in [INTRODUCTION, *sorted(world)]
            if module not in sections and _may_edit(project, module, own, caller)
        ],
        may_edit=_may_edit(project, INTRODUCTION, own, caller),
    )  # fmt: skip


def _difference(before: Section | None, after: Section) -> SectionDifference:
    return SectionDifference(
        module=after.module, title=after.title, old_version=before.item_version if before else None,
        new_version=after.item_version,
        pieces=[PieceReply(kind=one.kind, text=one.text) for one in pieces(before.body if before else "", after.body)],
    )  # fmt: skip


@cache
def _markdown() -> MarkdownIt:
    """CommonMark with tables, without HTML and pictures: nothing that a reader's browser would run or fetch."""
    return (
        MarkdownIt("commonmark", {"html": False, "linkify": False})
        .enable("table")
        .disable(["image", "html_inline", "html_block"])
    )
