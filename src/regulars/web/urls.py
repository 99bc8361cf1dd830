"""Where each page stands. Addresses are nouns; what changes something is posted to the noun that it changes."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from regulars.web import (
    by_hand,
    customers,
    entrance,
    grades,
    guard,
    manifest,
    portrait,
    rights,
    sales,
    settings_pages,
    style,
    today,
)
from regulars.web.api import api
from regulars.web.may import needs

urlpatterns: list[URLPattern | URLResolver] = [
    path("", today.today, name="today"),
    path("tasks/<int:number>/result/", today.task_result, name="task-result"),
    path("tasks/<int:number>/undo/", today.task_undo, name="task-undo"),
    # customers
    path("customers/", customers.customers, name="customers"),
    path("customers/suggestions/", customers.suggestions, name="suggestions"),
    path("customers/export/", guard.export, name="customers-export"),
    path("customers/let-in/", guard.customer_let_in, name="customer-let-in"),
    path("customers/new/", by_hand.customer_new, name="customer-new"),
    path("customers/<int:number>/", portrait.portrait, name="portrait"),
    path("customers/<int:number>/reveal/", portrait.customer_reveal, name="customer-reveal"),
    path("customers/<int:number>/notes/", by_hand.customer_notes, name="customer-notes"),
    path("customers/<int:number>/facts/", by_hand.customer_facts, name="customer-facts"),
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
    path("settings/guard/", guard.settings_guard, name="settings-guard"),
    path("watch/", guard.watch, name="watch"),
    path("watermark.svg", guard.watermark, name="watermark"),
    path("settings/keys/", settings_pages.settings_keys, name="settings-keys"),
    path("settings/keys/<int:number>/end/", settings_pages.settings_key_end, name="settings-key-end"),
    path("settings/trade/", settings_pages.settings_trade, name="settings-trade"),
    path("settings/phones/", settings_pages.settings_phones, name="settings-phones"),
    path("settings/language/", settings_pages.settings_language, name="settings-language"),
    path("settings/password/", settings_pages.settings_password, name="settings-password"),
    # the entrance
    path("start/", entrance.start, name="start"),
    path("start/business/", entrance.start_business, name="start-business"),
    path("start/trade/", entrance.start_trade, name="start-trade"),
    path("start/import/", entrance.start_import, name="start-import"),
    path("login/", entrance.sign_in, name="login"),
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
