"""The reports that can be asked for."""

from harness.reports import json, text
from harness.reports.base import Report

REPORTS: dict[str, Report] = {
    "json": json.render,
    "text": text.render,
}
