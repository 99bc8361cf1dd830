"""Where each page stands. Addresses are nouns; what changes something is posted to the noun that it changes."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from regulars.web import (
    by_hand,
    customers,
    duplicates,
    entrance,
    file,
    grades,
    guard,
    handover,
    logins,
    manifest,
    portrait,
    rights,
    sales,
    second,
    settings_pages,
    style,
    today,
)
from regulars.web.api import api
from regulars.web.may import needs
from regulars.web.throttle import searching

urlpatterns: list[URLPattern | URLResolver] = [
    path("", today.today, name="today"),
    path("tasks/<int:number>/result/", today.task_result, name="task-result"),
    path("tasks/<int:number>/undo/", today.task_undo, name="task-undo"),
    # customers
    path("customers/", searching(customers.customers), name="customers"),
    path("customers/suggestions/", searching(customers.suggestions), name="suggestions"),
    path("customers/export/", guard.export, name="customers-export"),
    path("customers/let-in/", guard.customer_let_in, name="customer-let-in"),
    path("pool/", handover.pool, name="pool"),
    path("customers/<int:number>/charge/", handover.customer_charge, name="customer-charge"),
    path("customers/<int:number>/claim/", handover.customer_claim, name="customer-claim"),
    path("handovers/<int:number>/", handover.handover, name="handover"),
    path("handovers/<int:number>/undo/", handover.handover_undo, name="handover-undo"),
    path(
        "settings/staff/<int:number>/hand-over/",
        handover.settings_member_handover,
        name="settings-member-handover",
    ),
    path("customers/duplicates/", duplicates.duplicates, name="duplicates"),
    path("customers/duplicates/search/", duplicates.duplicates_search, name="duplicates-search"),
    path("customers/duplicates/<int:number>/", duplicates.duplicate_decision, name="duplicate-decision"),
    path("customers/duplicates/<int:number>/undo/", duplicates.duplicate_undo, name="duplicate-undo"),
    path("customers/<int:number>/same/", duplicates.customer_same, name="customer-same"),
    path("customers/<int:number>/parting/", duplicates.customer_parting, name="customer-parting"),
    path("customers/new/", by_hand.customer_new, name="customer-new"),
    path("customers/<int:number>/", portrait.portrait, name="portrait"),
    path("customers/<int:number>/reveal/", portrait.customer_reveal, name="customer-reveal"),
    path("customers/<int:number>/notes/", by_hand.customer_notes, name="customer-notes"),
    path("customers/<int:number>/notes/<int:note>/end/", file.customer_note_end, name="customer-note-end"),
    path("customers/<int:number>/facts/", file.customer_facts, name="customer-facts"),
    path("customers/<int:number>/answers/", file.customer_answers, name="customer-answers"),
    path("customers/<int:number>/phones/", file.customer_phones, name="customer-phones"),
    path("customers/<int:number>/people/", file.customer_people, name="customer-people"),
    path(
        "customers/<int:number>/people/<int:person>/end/",
        file.customer_person_end,
        name="customer-person-end",
    ),
    path("customers/<int:number>/visits/", file.customer_visits, name="customer-visits"),
    path("customers/<int:number>/tags/", file.customer_tags, name="customer-tags"),
    path("customers/<int:number>/attachments/", file.customer_attachments, name="customer-attachments"),
    path(
        "customers/<int:number>/attachments/<int:attachment>/",
        file.customer_attachment,
        name="customer-attachment",
    ),
    path(
        "customers/<int:number>/attachments/<int:attachment>/end/",
        file.customer_attachment_end,
        name="customer-attachment-end",
    ),
    path("customers/<int:number>/sales/", by_hand.customer_sales, name="customer-sales"),
    path("customers/<int:number>/hold/", by_hand.customer_hold, name="customer-hold"),
    # consent and rights
    path("customers/<int:number>/consents/", rights.customer_consents, name="customer-consents"),
    path("customers/<int:number>/consents/withdraw/", rights.customer_withdraw, name="customer-withdraw"),
    path("customers/<int:number>/rights/", rights.customer_rights, name="customer-rights"),
    path("customers/<int:number>/rights/copy/", rights.customer_copy, name="customer-copy"),
    path(
        "customers/<int:number>/rights/explanation/", rights.customer_explanation, name="customer-explanation"
    ),
    path("customers/<int:number>/rights/automation/", rights.customer_automation, name="customer-automation"),
    path("customers/<int:number>/rights/keep/", rights.customer_keep, name="customer-keep"),
    path("rights/", rights.requests, name="rights"),
    path("rights/<int:number>/result/", rights.request_result, name="request-result"),
    path("settings/privacy/", rights.settings_privacy, name="settings-privacy"),
    path("settings/privacy/ahead/", rights.retention_ahead, name="retention"),
    # grades
    path("grades/", grades.grades, name="grades"),
    path("grades/run/", grades.grades_run, name="grades-run"),
    path("playbooks/<slug:key>/", grades.playbook, name="playbook"),
    path("playbooks/<slug:key>/adoption/", grades.playbook_adoption, name="playbook-adoption"),
    path("playbooks/<slug:key>/end/", grades.playbook_end, name="playbook-end"),
    path("adoptions/<int:number>/end/", grades.adoption_end, name="adoption-end"),
    # sales
    path("sales/", sales.sales, name="sales"),
    path("sales/import/", sales.import_files, name="import"),
    path("sales/import/<slug:upload>/columns/", sales.import_columns, name="import-columns"),
    path("sales/import/<slug:upload>/trial/", sales.import_trial, name="import-trial"),
    path("sales/import/<slug:upload>/batch/", sales.import_batch, name="import-batch"),
    path("sales/import/<slug:upload>/left-out.<slug:ending>", sales.import_refused, name="import-refused"),
    path("sales/<int:number>/", sales.batch, name="batch"),
    path("sales/<int:number>/undo/", sales.batch_undo, name="batch-undo"),
    path("sales/<int:number>/left-out.<slug:ending>", sales.batch_refused, name="batch-refused"),
    path("receipts/", sales.receipts, name="receipts"),
    path("receipts/<int:number>/", sales.receipt, name="receipt"),
    path("jobs/<int:number>/", sales.job, name="job"),
    path("jobs/<int:number>/cancel/", sales.job_cancel, name="job-cancel"),
    # settings
    path("settings/", settings_pages.settings, name="settings"),
    path("settings/business/", settings_pages.settings_business, name="settings-business"),
    path("settings/stores/", settings_pages.settings_stores, name="settings-stores"),
    path("settings/stores/<int:number>/", settings_pages.settings_store, name="settings-store"),
    path("settings/staff/", settings_pages.settings_staff, name="settings-staff"),
    path("settings/staff/<int:number>/", settings_pages.settings_member, name="settings-member"),
    path(
        "settings/staff/<int:number>/password/",
        settings_pages.settings_member_password,
        name="settings-member-password",
    ),
    path(
        "settings/staff/<int:number>/leave/",
        settings_pages.settings_member_leave,
        name="settings-member-leave",
    ),
    path(
        "settings/staff/<int:number>/posts/",
        settings_pages.settings_member_posts,
        name="settings-member-posts",
    ),
    path("settings/roles/", settings_pages.settings_roles, name="settings-roles"),
    path("settings/roles/<slug:key>/end/", settings_pages.settings_role_end, name="settings-role-end"),
    path("settings/fields/", file.settings_fields, name="settings-fields"),
    path("settings/fields/<int:number>/end/", file.settings_field_end, name="settings-field-end"),
    path("settings/guard/", guard.settings_guard, name="settings-guard"),
    path("watch/", guard.watch, name="watch"),
    path("watermark.svg", guard.watermark, name="watermark"),
    path("settings/keys/", settings_pages.settings_keys, name="settings-keys"),
    path("settings/keys/<int:number>/end/", settings_pages.settings_key_end, name="settings-key-end"),
    path("settings/trade/", settings_pages.settings_trade, name="settings-trade"),
    path("settings/phones/", settings_pages.settings_phones, name="settings-phones"),
    path("settings/language/", settings_pages.settings_language, name="settings-language"),
    path("settings/password/", settings_pages.settings_password, name="settings-password"),
    path("settings/logins/", logins.settings_logins, name="settings-logins"),
    path("settings/logins/end/", logins.settings_logins_end, name="settings-logins-end"),
    path("settings/logins/known/", logins.settings_logins_known, name="settings-logins-known"),
    path("settings/logins/<int:number>/end/", logins.settings_login_end, name="settings-login-end"),
    path("settings/second/", second.settings_second, name="settings-second"),
    path("settings/second/app/", second.settings_app, name="settings-app"),
    path("settings/second/app/end/", second.settings_app_end, name="settings-app-end"),
    path("settings/second/codes/", second.settings_codes, name="settings-codes"),
    path("settings/second/passkeys/", second.settings_passkeys, name="settings-passkeys"),
    path(
        "settings/second/passkeys/options/", second.settings_passkey_options, name="settings-passkey-options"
    ),
    path(
        "settings/second/passkeys/<int:number>/end/", second.settings_passkey_end, name="settings-passkey-end"
    ),
    path("settings/pin/", logins.settings_pin, name="settings-pin"),
    path("settings/door/", logins.settings_door, name="settings-door"),
    path(
        "settings/door/<int:number>/second/end/",
        logins.settings_door_second_end,
        name="settings-door-second-end",
    ),
    # the entrance
    path("start/", entrance.start, name="start"),
    path("start/business/", entrance.start_business, name="start-business"),
    path("start/trade/", entrance.start_trade, name="start-trade"),
    path("start/import/", entrance.start_import, name="start-import"),
    path("login/", entrance.sign_in, name="login"),
    path("login/code/", second.login_code, name="login-code"),
    path("login/passkey/", second.login_passkey, name="login-passkey"),
    path("login/passkey/options/", second.login_passkey_options, name="login-passkey-options"),
    path("pin/", logins.pin, name="pin"),
    path("logout/", entrance.sign_out, name="logout"),
    path("lang/", entrance.language, name="language"),
    path("theme/", entrance.theme, name="theme"),
    # what machines ask for
    path("api/v1/", api.urls),
    path("health/", entrance.health, name="health"),
    path("offline/", entrance.offline, name="offline"),
    path("manifest.json", manifest.manifest, name="manifest"),
    path("style/", needs("look")(style.style), name="style"),
]

handler400 = "regulars.web.errors.bad_request"
handler403 = "regulars.web.errors.forbidden"
handler404 = "regulars.web.errors.not_found"
handler500 = "regulars.web.errors.broken"
