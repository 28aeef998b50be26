"""The forms by which staff decide a case."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class ApproveForm(forms.Form):
    """通过: an answer where one is wanted, why a mismatch is overruled."""

    prefix = "approve"

    def __init__(
        self,
        *args: Any,
        mismatch: bool = False,
        answered: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if answered:
            self.fields["answer"] = forms.CharField(
                label=_("答复"),
                help_text=_("写明核实的结果和接下来的处理；申请人会看到。"),
                widget=forms.Textarea(attrs={"rows": 4}),
                error_messages={"required": _("请写明答复，申请人会看到。")},
            )
        if mismatch:
            self.fields["overrule"] = forms.BooleanField(
                label=_("已核实，提请与登记不一致仍予办理"),
                error_messages={
                    "required": _("与登记不一致，须勾选确认后才能办理；不能办理的，请不予通过。")
                },
            )
            self.fields["basis"] = forms.CharField(
                label=_("办理依据"),
                help_text=_("写明核实了什么、依据哪份材料；申请人会看到。"),
                widget=forms.Textarea(attrs={"rows": 3}),
                error_messages={"required": _("与登记不一致而仍予办理，请写明依据。")},
            )

    @property
    def note(self) -> str:
        """What the case's history keeps of the approval."""
        return str(self.cleaned_data.get("answer", "")) + str(self.cleaned_data.get("basis", ""))


class RefuseForm(forms.Form):
    """不予通过: the reason, and that it was confirmed."""

    prefix = "refuse"

    reason = forms.CharField(
        label=gettext_lazy("不予通过的理由"),
        help_text=gettext_lazy("申请人会看到。写明缺什么、为什么不能办、接下来可以怎么办。"),
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": gettext_lazy("请写明不予通过的理由，申请人会看到。")},
    )
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)


class DeclineForm(forms.Form):
    """The form to decline an overruling: it asks why."""

    prefix = "decline"

    why = forms.CharField(
        label=gettext_lazy("不同意的原因"),
        max_length=200,
        error_messages={"required": gettext_lazy("请写明不同意的原因。")},
    )
