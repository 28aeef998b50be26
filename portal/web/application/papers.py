"""The papers that are handed in online with an application."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from portal.hall import attachments
from portal.hall.models import Amendment, Attachment, Draft
from portal.policy.book import Paper


class PapersForm(forms.Form):
    """One file for each paper that is handed in online; those handed in before need not be chosen
    again."""

    def __init__(
        self, *args: Any, papers: Sequence[Paper], brought: Mapping[str, Attachment], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.papers, self.brought = papers, brought
        for paper in papers:
            if paper.picture:
                hint = f"{attachments.picture_words(paper.picture)}{_('。')}{paper.note}"
            else:
                kinds = _("JPG 或 PNG 图片") if paper.kind == "photo" else _("JPG、PNG 图片或 PDF 文件")
                hint = _("{kinds}，不超过 5 MB。").format(kinds=kinds)
            widget = forms.FileInput(
                attrs={"accept": attachments.ACCEPTED[paper.kind], "data-max-bytes": attachments.MAX_BYTES}
            )
            field = forms.FileField(
                label=paper.title,
                required=bool(paper.required or paper.required_when),
                initial=brought.get(paper.code),
                allow_empty_file=True,
                help_text=hint,
                widget=widget,
                error_messages={"required": _("请上传{title}。").format(title=paper.title)},
            )
            field.attachment = brought.get(paper.code)  # type: ignore[attr-defined]
            self.fields[f"paper-{paper.code}"] = field


def keep_files(form: PapersForm, home: Draft | Amendment, now: datetime) -> None:
    """Keeps what was uploaded with the draft, or with what amends a case; what is refused is told
    beside its paper."""
    for paper in form.papers:
        name = f"paper-{paper.code}"
        file = form.files.get(name)
        if file is None:
            continue
        try:
            form.brought = {
                **form.brought,
                paper.code: attachments.keep_upload(home=home, paper=paper, file=file, now=now),
            }
        except attachments.UploadRefused as refusal:
            form.add_error(name, str(refusal))
        form.fields[name].attachment = form.brought.get(paper.code)  # type: ignore[attr-defined]
