"""The second step of signing in, and what a person proves herself with: an app's codes, passkeys, codes on paper."""

from __future__ import annotations

import ipaddress
import json
from datetime import timedelta
from types import SimpleNamespace as Page
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.shop import doors_actions
from regulars.shop.doors import Authenticator, Passkey, has_second_factor
from regulars.shop.keys import keys
from regulars.shop.models import Staff
from regulars.shop.rules.doors import CODE, Pace, plain_code
from regulars.shop.words import Refused, Words
from regulars.web import doors, throttle
from regulars.web.may import needs, open_to_all
from regulars.web.request import Request, own_path
from regulars.web.throttle import Tries, too_fast, wait_page

WAITS_FOR = timedelta(minutes=10)
"""So long the right password waits for its second step, and a passkey's question for its answer."""

FRESH = timedelta(minutes=10)
"""So long after signing in nobody is asked for the password again before she changes how she signs in."""

ASKING = Pace(burst=20, per_minute=30)
"""Questions for a passkey from one network: each is remembered until it is answered."""

# --- between the password and the second step ------------------------------------------------------------------------


def wait_for(request: HttpRequest, staff: Staff, following: str, is_shared: bool) -> None:
    """The password was right; nobody is signed in before the second step."""
    request.session.flush()
    request.session["waits"] = {
        "staff": staff.pk, "at": doors.clock().timestamp(), "next": following, "shared": is_shared,
        "password": staff.get_session_auth_hash(),
    }  # fmt: skip


def who_waits(request: HttpRequest) -> tuple[Staff, dict[str, Any]] | None:
    """Who has given her password here and not yet more, as long as both are still good."""
    said = request.session.get("waits")
    if not said or doors.clock().timestamp() - said["at"] > WAITS_FOR.total_seconds():
        return None
    staff = Staff.objects.filter(pk=said["staff"], is_active=True).first()
    if staff is None or staff.get_session_auth_hash() != said["password"]:
        return None
    return staff, said


WRONG = Words("这个码不对，或者已经用过了", "This code is not right, or was used before")


@open_to_all
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """After the password: a code of the app or from paper, or a passkey."""
    if request.user.is_authenticated:
        return redirect("today")
    waits = who_waits(request)
    if waits is None:
        return redirect("login")
    staff, said = waits
    error, status = None, 200
    if request.method == "POST":
        tries = Tries("code", str(staff.pk), CODE)
        code = request.POST.get("code", "")[:40]
        if seconds := tries.wait():
            error, status = throttle.SLOWER.fill(n=seconds), 429
        elif len(plain_code(code)) == 6 and doors_actions.opens_by_code(staff, code, now=doors.clock()):
            tries.right()
            doors.come_in(request, staff, "app", is_shared=said["shared"])
            return redirect(own_path(said["next"]))
        elif len(plain_code(code)) != 6 and doors_actions.opens_by_paper(staff, code):
            tries.right()
            doors.come_in(request, staff, "paper", is_shared=said["shared"])
            left = Words(
                "恢复码还剩 {n} 个，用过的划掉", "{n} recovery codes are left; cross out the used one"
            )
            messages.warning(
                request, left.fill(n=doors_actions.codes_left(staff)).say(staff.lang or request.lang)  # type: ignore[attr-defined]
            )  # fmt: skip
            return redirect(own_path(said["next"]))
        else:
            tries.wrong()
            error, status = WRONG, 401
    page = Page(
        error=error or "", name=staff.name, has_app=Authenticator.objects.filter(staff=staff).exists(),
        has_passkey=Passkey.objects.filter(staff=staff).exists(), passkeys=passkeys_work(request),
    )  # fmt: skip
    return render(request, "login_code.html", {"page": page}, status=status)


# --- passkeys at the entrance ----------------------------------------------------------------------------------------


def _host(request: HttpRequest) -> str:
    return (
        request.get_host().rpartition(":")[0] or request.get_host()
        if not request.get_host().endswith("]")
        else ""
    )


def passkeys_work(request: HttpRequest) -> bool:
    """Whether browsers allow passkeys here: by TLS or on this machine, and under a name, not a bare address."""
    host = _host(request)
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return bool(host) and (request.is_secure() or host == "localhost")
    return False


def _origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def _ask(request: HttpRequest, challenge: bytes) -> None:
    request.session["asked"] = {"challenge": challenge.hex(), "at": doors.clock().timestamp()}


def _asked(request: HttpRequest) -> bytes:
    """The question that was put to the device; it can be answered once."""
    said = request.session.pop("asked", None)
    if not said or doors.clock().timestamp() - said["at"] > WAITS_FOR.total_seconds():
        raise Refused(NOT_TAKEN)
    return bytes.fromhex(said["challenge"])


NOT_TAKEN = Words(
    "通行密钥没有通过，再试一次，或用密码登录", "The passkey was not accepted; try again, or use the password"
)


@open_to_all
@require_POST
def login_passkey_options(request: HttpRequest) -> HttpResponse:
    """The question for a passkey: any of hers when the password was given, else whichever the device offers."""
    from webauthn import base64url_to_bytes, generate_authentication_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorTransport,
        PublicKeyCredentialDescriptor,
        UserVerificationRequirement,
    )

    if not passkeys_work(request):
        return HttpResponse(status=404)
    if seconds := too_fast("passkey", doors.network(request), ASKING):
        return wait_page(request, seconds)
    waits = who_waits(request)
    known = {t.value for t in AuthenticatorTransport}
    mine = [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(k.credential), transports=[AuthenticatorTransport(t) for t in k.transports if t in known] or None
        )
        for k in (Passkey.objects.filter(staff=waits[0]) if waits else [])
    ]  # fmt: skip
    options = generate_authentication_options(
        rp_id=_host(request), allow_credentials=mine, user_verification=UserVerificationRequirement.REQUIRED
    )
    _ask(request, options.challenge)
    return HttpResponse(options_to_json(options), content_type="application/json")


@open_to_all
@require_POST
def login_passkey(request: HttpRequest) -> HttpResponse:
    """The device has signed: as the second step, or all by itself, since it has asked for a finger or a face."""
    waits = who_waits(request)
    try:
        key = _signed(request)
        if not key.staff.is_active or (waits and waits[0].pk != key.staff_id):
            raise Refused(NOT_TAKEN)
    except Refused as refused:
        messages.error(request, refused.words.say(request.lang))  # type: ignore[attr-defined]
        return redirect("login-code" if waits else "login")
    following = waits[1]["next"] if waits else request.POST.get("next")
    is_shared = waits[1]["shared"] if waits else "shared" in request.POST
    doors.come_in(request, key.staff, "passkey", is_shared=is_shared)
    return redirect(own_path(following))


def _signed(request: HttpRequest) -> Passkey:
    """The passkey whose signature over our question was sent, or Refused."""
    from webauthn import base64url_to_bytes, verify_authentication_response
    from webauthn.helpers import bytes_to_base64url
    from webauthn.helpers.exceptions import WebAuthnException

    challenge = _asked(request)
    try:
        said = json.loads(request.POST.get("credential", "")[:20_000])
        credential = bytes_to_base64url(base64url_to_bytes(str(said["rawId"])))
        key = Passkey.objects.select_related("staff").filter(credential=credential).first()
        if key is None:
            raise Refused(NOT_TAKEN)
        proof = verify_authentication_response(
            credential=said, expected_challenge=challenge, expected_rp_id=_host(request), expected_origin=_origin(request),
            credential_public_key=bytes(key.public_key), credential_current_sign_count=key.signs, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
        raise Refused(NOT_TAKEN) from wrong
    if not doors_actions.used_passkey(key, proof.new_sign_count, now=doors.clock()):
        raise Refused(NOT_TAKEN)
    return key


# --- proving oneself again -------------------------------------------------------------------------------------------


def is_fresh(request: Any) -> bool:
    """Whether she has signed in just now, so that nobody needs to ask who she is before she changes a lock."""
    door = getattr(request, "door", None)
    return bool(door and door.how and doors.clock() - door.came_at < FRESH)


WRONG_PASSWORD = Words("现在的密码不对", "This is not your present password")


def proved(request: Any, field: str = "old") -> Words | None:
    """None when she has proved that it is she, by a fresh login or by her password; else what is wrong."""
    if is_fresh(request):
        return None
    return proved_by_password(request, field)


def proved_by_password(request: Any, field: str = "old") -> Words | None:
    """None when the password is hers. Guessing is slow here, too: somebody may have found her phone."""
    tries = Tries("proof", str(request.user.pk), CODE)
    if seconds := tries.wait():
        return throttle.SLOWER.fill(n=seconds)
    if not request.user.check_password(request.POST.get(field, "")[:1024]):
        tries.wrong()
        return WRONG_PASSWORD
    tries.right()
    return None


# --- setting it up ---------------------------------------------------------------------------------------------------


def _overview(
    request: Request, *, problem: Words | None = None, codes: list[str] | None = None
) -> HttpResponse:
    me = request.user
    app = Authenticator.objects.filter(staff=me).first()
    passkeys = [
        Page(name=k.name, made_at=k.made_at, used_at=k.used_at, end=reverse("settings-passkey-end", args=[k.pk]))
        for k in Passkey.objects.filter(staff=me).order_by("pk")
    ]  # fmt: skip
    is_on = bool(app or passkeys)
    must = me.role in request.business.second_for
    if is_on:
        said = Words("光有你的密码，别人进不来", "Your password alone lets nobody in")
    elif must:
        said = Words("你的岗位要两步登录，先设一个", "Your role asks for a second step; set one up first")
    else:
        said = Words("现在谁知道你的密码，谁就能进来", "Whoever knows your password can come in")
    page = Page(
        sentence=said, is_on=is_on, must=must, app=app, passkeys=passkeys, codes_left=doors_actions.codes_left(me), codes=codes or [],
        problem=problem, asks_password=not is_fresh(request), passkeys_work=passkeys_work(request), name=me.name,
        role=me.role_words, business=request.business.name, next=own_path(request.GET.get("next")),
    )  # fmt: skip
    return render(request, "settings_second.html", {"page": page}, status=422 if problem else 200)


def _with_codes(request: Request) -> HttpResponse:
    """Who sets up her first factor gets her codes on paper at once; they are shown only here."""
    if doors_actions.codes_left(request.user):
        return redirect("settings-second")
    return _overview(request, codes=doors_actions.make_recovery_codes(request.user))


@needs("look")
@require_GET
def settings_second(request: Request) -> HttpResponse:
    """What there is besides the password."""
    return _overview(request)


@needs("look")
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def settings_app(request: Request) -> HttpResponse:
    """Set up an app: scan, then type what it shows. The secret waits sealed in the session until a code proves it."""
    from regulars.web.settings_pages import qr_svg

    errors: dict[str, Words] = {}
    sealed = request.session.get("app")
    if sealed:
        secret = keys().unseal(bytes.fromhex(sealed))
    else:
        secret = doors_actions.new_secret()
        request.session["app"] = keys().seal(secret).hex()
    if request.method == "POST" and sealed:
        if wrong := proved(request):
            errors["old"] = wrong
        else:
            tries = Tries("code", str(request.user.pk), CODE)
            try:
                if seconds := tries.wait():
                    raise Refused(throttle.SLOWER.fill(n=seconds))
                doors_actions.start_authenticator(
                    request.user, secret, request.POST.get("code", "")[:40], now=doors.clock()
                )
            except Refused as refused:
                tries.wrong()
                errors["code"] = refused.words
            else:
                tries.right()
                del request.session["app"]
                return _with_codes(request)
    import pyotp

    uri = pyotp.TOTP(secret).provisioning_uri(name=request.user.email, issuer_name=request.business.name)
    page = Page(
        qr=qr_svg(uri), uri=uri, secret=" ".join(secret[k : k + 4] for k in range(0, len(secret), 4)), errors=errors,
        asks_password=not is_fresh(request),
    )  # fmt: skip
    return render(request, "settings_app.html", {"page": page}, status=422 if errors else 200)


def _last_of_required(request: Request, others: bool) -> Words | None:
    """Whether taking this one off would leave somebody without a second step who must have one."""
    if others or request.user.role not in request.business.second_for:
        return None
    return Words(
        "你的岗位必须两步登录：先加一个新的，再去掉这个",
        "Your role must have a second step: add another before you take this one off",
    )


@needs("look")
@sensitive_post_parameters()
@require_POST
def settings_app_end(request: Request) -> HttpResponse:
    """The app's codes are no longer asked for."""
    has_passkey = Passkey.objects.filter(staff=request.user).exists()
    if wrong := proved(request) or _last_of_required(request, has_passkey):
        return _overview(request, problem=wrong)
    doors_actions.end_authenticator(request.user, by=request.user)
    return redirect("settings-second")


@needs("look")
@sensitive_post_parameters()
@require_POST
def settings_codes(request: Request) -> HttpResponse:
    """New codes on paper; the old ones are void."""
    wrong = proved(request)
    if not wrong and not has_second_factor(request.user):
        wrong = Words("先设一个两步登录", "Set up a second step first")
    if wrong:
        return _overview(request, problem=wrong)
    return _overview(request, codes=doors_actions.make_recovery_codes(request.user))


@needs("look")
@require_POST
def settings_passkey_options(request: Request) -> HttpResponse:
    """The question with which a device makes a passkey for her."""
    from webauthn import base64url_to_bytes, generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    if not passkeys_work(request):
        return HttpResponse(status=404)
    me = request.user
    options = generate_registration_options(
        rp_id=_host(request), rp_name=request.business.name, user_name=me.email, user_display_name=me.name,
        user_id=doors_actions.person_handle(me),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(c))
            for c in Passkey.objects.filter(staff=me).values_list("credential", flat=True)
        ],
    )  # fmt: skip
    _ask(request, options.challenge)
    return HttpResponse(options_to_json(options), content_type="application/json")


@needs("look")
@sensitive_post_parameters()
@require_POST
def settings_passkeys(request: Request) -> HttpResponse:
    """Take in the passkey that her device has made."""
    from webauthn import verify_registration_response
    from webauthn.helpers import bytes_to_base64url
    from webauthn.helpers.exceptions import WebAuthnException

    wrong = proved(request)
    if wrong:
        return _overview(request, problem=wrong)
    try:
        challenge = _asked(request)
        said = json.loads(request.POST.get("credential", "")[:100_000])
        made = verify_registration_response(
            credential=said, expected_challenge=challenge, expected_rp_id=_host(request), expected_origin=_origin(request),
            require_user_verification=True,
        )  # fmt: skip
        transports = said["response"].get("transports") or []
        doors_actions.add_passkey(
            request.user, credential=bytes_to_base64url(made.credential_id), public_key=made.credential_public_key,
            signs=made.sign_count, name=request.POST.get("name", ""), transports=[str(t)[:20] for t in transports][:8],
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError):
        return _overview(
            request, problem=Words("没有做成通行密钥，再试一次", "No passkey was made; try again")
        )
    except Refused as refused:
        return _overview(request, problem=refused.words)
    return _with_codes(request)


@needs("look")
@sensitive_post_parameters()
@require_POST
def settings_passkey_end(request: Request, number: int) -> HttpResponse:
    key = get_object_or_404(Passkey, pk=number, staff=request.user)
    others = (
        Passkey.objects.filter(staff=request.user).exclude(pk=key.pk).exists()
        or Authenticator.objects.filter(staff=request.user).exists()
    )
    if wrong := proved(request) or _last_of_required(request, others):
        return _overview(request, problem=wrong)
    doors_actions.end_passkey(key, by=request.user)
    return redirect("settings-second")
