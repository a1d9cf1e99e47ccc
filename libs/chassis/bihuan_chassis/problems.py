"""Errors that a person or a program reads: a small tree with a status and a stable code each (RFC 9457)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bihuan_contracts import Text, wording

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field; `field` is a path such as `goals.0.tasks.2.weight`."""

    field: str
    code: str
    message: Text


class Problem(Exception):
    """Base of all errors that carry their own HTTP answer."""

    status = 500
    code = "internal"
    text = Text(zh="系统出错了，请稍后再试", en="Something went wrong, please try again later")

    def __init__(
        self,
        code: str | None = None,
        text: Text | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **params: Any,
    ) -> None:
        self.code = code or type(self).code
        self.text = text or type(self).text
        self.errors = errors
        self.headers = dict(headers or {})
        self.params = params
        super().__init__(f"{self.status} {self.code}")


class Unauthenticated(Problem):
    status, code = 401, "unauthenticated"
    text = Text(zh="请先登录", en="Please sign in")


class Forbidden(Problem):
    status, code = 403, "forbidden"
    text = Text(zh="你没有权限做这件事", en="You are not allowed to do this")


class NotFound(Problem):
    status, code = 404, "not_found"
    text = Text(zh="没有找到", en="Not found")


class Conflict(Problem):
    """The state has moved on: `state` is what it is now."""

    status, code = 409, "conflict"
    text = Text(zh="内容已经变了，请看最新的再决定", en="This has changed meanwhile; look at the newest state first")


class TooLarge(Problem):
    status, code = 413, "too_large"
    text = Text(zh="内容太大", en="The content is too large")


class Invalid(Problem):
    status, code = 422, "invalid"
    text = Text(zh="有内容填写不正确", en="Something is not filled in correctly")


class TooMany(Problem):
    status, code = 429, "too_many"
    text = Text(zh="请求太频繁，请稍等片刻再试", en="Too many requests, please wait a moment")


class Unavailable(Problem):
    status, code = 503, "unavailable"
    text = Text(zh="服务暂时不可用，请稍后再试", en="Temporarily unavailable, please try again shortly")


def invalid(field: str, code: str, zh: str, en: str) -> Invalid:
    """One wrong field."""
    return Invalid(errors=[FieldError(field, code, Text(zh=zh, en=en))])


def language_of(request: Request) -> str:
    """`zh` unless the reader prefers English."""
    wanted = request.headers.get("accept-language", "zh").lower()
    ranked = sorted(
        ((_quality(part), part.split(";")[0].strip()[:2]) for part in wanted.split(",")), key=lambda pair: -pair[0]
    )
    return next((name for _, name in ranked if name in {"zh", "en"}), "zh")


def _quality(part: str) -> float:
    _, _, quality = part.partition(";q=")
    try:
        return float(quality) if quality else 1.0
    except ValueError:
        return 0.0


def answer(request: Request, problem: Problem) -> JSONResponse:
    """The problem in the reader's language."""
    language = language_of(request)
    body = {
        "type": f"urn:bihuan:problem:{problem.code}",
        "title": in_language(language, problem.text),
        "status": problem.status,
        "code": problem.code,
        **jsonable_encoder(problem.params),
    }
    if problem.errors:
        body["errors"] = [
            {"field": error.field, "code": error.code, "message": in_language(language, error.message)}
            for error in problem.errors
        ]
    headers = {"Content-Language": language, "Cache-Control": "no-store", **problem.headers}
    return JSONResponse(body, problem.status, headers=headers, media_type=MEDIA_TYPE)


def in_language(language: str, text: Text) -> str:
    return text.en if language == "en" else text.zh


def of_validation(error: RequestValidationError) -> Invalid:
    """Pydantic's findings as field errors in both languages."""
    return Invalid(errors=[_field_error(found) for found in error.errors()])


def of_http(error: HTTPException) -> Problem:
    """Starlette's own errors: unknown path, wrong method …"""
    known: dict[int, type[Problem]] = {401: Unauthenticated, 403: Forbidden, 404: NotFound, 413: TooLarge}
    problem = known.get(error.status_code, _Other)(headers=error.headers)
    problem.status = error.status_code
    return problem


class _Other(Problem):
    status, code = 400, "bad_request"
    text = Text(zh="请求不正确", en="The request is not correct")


def _field_error(found: Mapping[str, Any]) -> FieldError:
    kind = str(found["type"])
    path = [str(step) for step in found["loc"]]
    field = ".".join(path[1:] if path and path[0] in {"body", "query", "path", "header"} else path)
    context = found.get("ctx") or {}
    if kind == "value_error" and isinstance(context.get("error"), TwoLanguageError):
        return FieldError(field, kind, context["error"].text)
    return FieldError(field, kind, wording.of_error(kind, context))


class TwoLanguageError(ValueError):
    """For validators of request bodies: what is wrong, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        self.text = Text(zh=zh, en=en)
        super().__init__(en)
