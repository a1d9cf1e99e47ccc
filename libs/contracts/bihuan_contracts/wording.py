"""What is wrong with a value, in both languages: the kinds of errors that Pydantic knows."""

from collections.abc import Mapping
from typing import Any

from bihuan_contracts.event import Text

_WORDS: dict[str, tuple[str, str]] = {
    "missing": ("必须填写", "This is required"),
    "extra_forbidden": ("没有这个字段", "There is no such field"),
    "json_invalid": ("不是有效的 JSON", "Not valid JSON"),
    "string_type": ("应为文字", "Should be text"),
    "string_too_short": ("至少 {min_length} 个字符", "Minimum length {min_length}"),
    "string_too_long": ("最多 {max_length} 个字符", "Maximum length {max_length}"),
    "string_pattern_mismatch": ("格式不正确", "Not in the expected form"),
    "int_parsing": ("应为整数", "Should be a whole number"),
    "int_type": ("应为整数", "Should be a whole number"),
    "int_from_float": ("应为整数", "Should be a whole number"),
    "decimal_parsing": ("应为数字", "Should be a number"),
    "decimal_type": ("应为数字", "Should be a number"),
    "float_parsing": ("应为数字", "Should be a number"),
    "finite_number": ("应为有限的数字", "Should be a finite number"),
    "greater_than": ("应大于 {gt}", "Should be greater than {gt}"),
    "greater_than_equal": ("不能小于 {ge}", "Should be at least {ge}"),
    "less_than": ("应小于 {lt}", "Should be less than {lt}"),
    "less_than_equal": ("不能大于 {le}", "Should be at most {le}"),
    "bool_parsing": ("应为是或否", "Should be true or false"),
    "bool_type": ("应为是或否", "Should be true or false"),
    "uuid_parsing": ("不是有效的编号", "Not a valid identifier"),
    "uuid_type": ("不是有效的编号", "Not a valid identifier"),
    "datetime_parsing": ("不是有效的时间", "Not a valid time"),
    "datetime_from_date_parsing": ("不是有效的时间", "Not a valid time"),
    "datetime_type": ("不是有效的时间", "Not a valid time"),
    "timezone_aware": ("时间必须带时区", "The time needs a zone"),
    "date_parsing": ("不是有效的日期", "Not a valid date"),
    "date_from_datetime_parsing": ("不是有效的日期", "Not a valid date"),
    "enum": ("不是允许的值", "Not one of the allowed values"),
    "literal_error": ("只能是 {expected}", "Should be {expected}"),
    "list_type": ("应为列表", "Should be a list"),
    "tuple_type": ("应为列表", "Should be a list"),
    "too_short": ("至少 {min_length} 项", "At least {min_length} items"),
    "too_long": ("最多 {max_length} 项", "At most {max_length} items"),
    "dict_type": ("应为对象", "Should be an object"),
    "model_type": ("应为对象", "Should be an object"),
    "model_attributes_type": ("应为对象", "Should be an object"),
}


def of_error(kind: str, context: Mapping[str, Any]) -> Text:
    """Words for one error of a ValidationError, by its type and context; a general word for a kind nobody named."""
    zh, en = _WORDS.get(kind, ("内容不正确", "Not correct"))
    return Text(zh=_filled(zh, context), en=_filled(en, context))


def _filled(words: str, context: Mapping[str, Any]) -> str:
    try:
        return words.format(**context)
    except (KeyError, IndexError):
        return words
