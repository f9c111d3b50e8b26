"""Forms of the account and settings pages."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from community.models import ApiToken, User
from community.names import MAX_NAME, validate_shown_name
from community.ratings import RATING_CHOICES, Rating, level_up_to
from community.services import topics
from community.services.accounts import find_invitation, redeem_invitation
from community.services.discussion import MAX_REASON, MAX_TEXT

TOKEN_DAYS = [("30", _("30 days")), ("90", _("90 days")), ("365", _("a year")), ("never", _("no end"))]


_WORDS = {
    "login": _("User name or e-mail address"),
    "username": _("User name"),
    "email": _("E-mail address"),
    "password": _("Password"),
    "oldpassword": _("Present password"),
    "password1": _("New password"),
    "password2": _("The same once more"),
    "code": _("Code"),
}
_PASSWORD_RULES = _("At least 10 characters, not only digits, and not a common one.")


class OurWords:
    """Labels in this site's words, and none inside a field, where they vanish while one types."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = _WORDS.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)
        for name in {"password", "oldpassword"} & set(self.fields):
            self.fields[name].help_text = ""
        if "password1" in self.fields:
            self.fields["password1"].help_text = _PASSWORD_RULES


class LoginForm(OurWords, account.LoginForm):
    """By user name or e-mail address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login = self.fields["login"]
        login.max_length = 254
        login.widget.attrs.update(autocomplete="username", autocapitalize="none", spellcheck="false", maxlength=254)


class AddEmailForm(OurWords, account.AddEmailForm):
    pass


class ChangePasswordForm(OurWords, account.ChangePasswordForm):
    pass


class SetPasswordForm(OurWords, account.SetPasswordForm):
    pass


class ResetPasswordForm(OurWords, account.ResetPasswordForm):
    pass


class ResetPasswordKeyForm(OurWords, account.ResetPasswordKeyForm):
    pass


class ReauthenticateForm(OurWords, account.ReauthenticateForm):
    pass


class SecondStepForm(OurWords, mfa.AuthenticateForm):
    pass


class SecondStepAgainForm(OurWords, mfa.ReauthenticateForm):
    pass


class ActivateAppForm(OurWords, totp.ActivateTOTPForm):
    pass


class SignupForm(OurWords, account.SignupForm):
    """A newcomer's name, password and, where the site is open by invitation, the code of one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name, email = self.fields["username"], self.fields["email"]
        name.help_text = _("Your address on this site. It cannot be changed later.")
        name.widget.attrs.update(autocapitalize="none", spellcheck="false", maxlength=MAX_NAME)
        self.fields["password1"].label = _WORDS["password"]
        email.help_text = _("Only for a forgotten password and notices. Shown to nobody.")
        if settings.SIGNUP == "invite":
            self.fields["invitation"] = forms.CharField(
                label=_("Invitation"), max_length=100, help_text=_("The code that somebody here gave you.")
            )
            self.order_fields(["invitation"])

    def clean_invitation(self) -> str:
        code = self.cleaned_data["invitation"].strip()
        if find_invitation(code) is None:
            raise ValidationError(_("This invitation is not known, was used or has expired."), code="bad_invitation")
        return code

    def save(self, request: HttpRequest) -> User:
        with transaction.atomic():
            user = super().save(request)
            if settings.SIGNUP == "invite":
                redeem_invitation(self.cleaned_data["invitation"], user)
        return user


class ProfileForm(forms.ModelForm):
    """What others read of a person, and what the person wants to see."""

    level = forms.TypedChoiceField(
        label=_("Show pictures up to"),
        help_text=_("Pictures rated higher are counted and named, but not shown."),
        choices=RATING_CHOICES,
        coerce=int,
        widget=forms.RadioSelect,
    )
    language = forms.ChoiceField(label=_("Language"), required=False)

    class Meta:
        model = User
        fields = ["display_name", "about", "language", "blur_from", "mail_digest"]
        widgets = {"about": forms.Textarea(attrs={"rows": 6})}
        help_texts = {
            "display_name": _("Shown beside your user name."),
            "blur_from": _("They are blurred until you point at them, or reach them with the keyboard."),
            "about": _("Markdown, at most 4,000 characters."),
            "mail_digest": _("One mail a day at most, and only when there is something. Each has a link that ends it."),
        }

    field_order = ["display_name", "about", "level", "language", "mail_digest"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = [("", _("As my browser says")), *settings.LANGUAGES]
        blurs = self.fields["blur_from"]
        blurs.choices = [("", _("Nothing")), *(choice for choice in blurs.choices if choice[0])]
        self.fields["display_name"].validators.append(validate_shown_name)
        highest = 1 << (self.instance.browsing_level.bit_length() - 1)
        self.fields["level"].initial = highest

    def save(self, commit: bool = True) -> User:
        self.instance.browsing_level = level_up_to(Rating(self.cleaned_data["level"]))
        return super().save(commit)


class TokenForm(forms.Form):
    """A new key for a program."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What uses it, so that you know it again."))
    scopes = forms.MultipleChoiceField(
        label=_("It may"), choices=ApiToken.Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.ChoiceField(label=_("Valid for"), choices=TOKEN_DAYS, initial="90")


class InvitationForm(forms.Form):
    note = forms.CharField(
        label=_("Note"), max_length=200, required=False, help_text=_("For whom it is. Only you read it.")
    )


class CommentForm(forms.Form):
    text = forms.CharField(
        label=_("Your comment"),
        widget=forms.Textarea(attrs={"rows": 4, "maxlength": MAX_TEXT}),
        help_text=_("Markdown. At most 10,000 characters."),
    )


class RemovalForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=MAX_REASON, help_text=_("Shown in place of the comment, to everybody.")
    )


class TopicForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=topics.MAX_TITLE)
    text = forms.CharField(
        label=_("Text"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "maxlength": topics.MAX_TEXT}),
        help_text=_("Markdown. At most 10,000 characters."),
    )
    tags = forms.CharField(
        label=_("Tags"), required=False, max_length=400, help_text=_("At most five, with commas between them.")
    )

    def values(self) -> dict[str, Any]:
        """What the service is given."""
        given = self.cleaned_data
        tags = [tag.strip() for tag in given["tags"].split(",")]
        return {"title": given["title"], "text": given["text"], "tags": [tag for tag in tags if tag]}


class TopicRemovalForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=MAX_REASON, help_text=_("Sent to its author, and kept with the act.")
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=User.Role.choices)
