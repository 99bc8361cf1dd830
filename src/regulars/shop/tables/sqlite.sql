-- after contenttypes.0001_initial
-- after contenttypes.0002_remove_content_type_name
-- after auth.0001_initial
-- after auth.0002_alter_permission_name_max_length
-- after auth.0003_alter_user_email_max_length
-- after auth.0004_alter_user_username_opts
-- after auth.0005_alter_user_last_login_null
-- after auth.0006_require_contenttypes_0002
-- after auth.0007_alter_validators_add_error_messages
-- after auth.0008_alter_user_username_max_length
-- after auth.0009_alter_user_last_name_max_length
-- after auth.0010_alter_group_name_max_length
-- after auth.0011_update_proxy_permissions
-- after auth.0012_alter_user_first_name_max_length
-- after shop.0001_first
-- after sales.0001_first
-- after customers.0001_first
-- after care.0001_first
-- after care.0002_dayplan
-- after care.0003_charge_and_handover
-- after care.0004_task_words
-- after care.0005_words_of_before
-- after shop.0002_sealed_holds
-- after shop.0003_posts_and_sight
-- after shop.0004_charge_and_handover
-- after shop.0005_doors
-- after shop.0006_audit_chain
-- after shop.0007_audit_guard
-- after shop.0008_privacy_settings
-- after sales.0002_reversed_receipts
-- after customers.0002_less_indexes
-- after customers.0003_more_search_words
-- after customers.0004_posts_and_sight
-- after customers.0005_charge_and_handover
-- after customers.0006_note_words
-- after customers.0007_words_of_before
-- after customers.0008_likely_and_families
-- after customers.0009_the_file
-- after customers.0010_consents_and_requests
-- after grading.0001_first
-- after grading.0002_less_indexes
-- after membership.0001_first
-- after membership.0002_offers
-- after membership.0003_referrals
-- after membership.0004_member_page_door
-- after membership.0005_few_round_trips
-- after membership.0006_functions
-- after membership.0007_lighter_booking
-- after membership.0008_earned_by_value
-- after membership.0009_two_round_trips
-- after membership.0010_most_a_day
-- after sales.0003_forgotten
-- after sessions.0001_initial

CREATE TABLE "django_migrations" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app" varchar(255) NOT NULL, "name" varchar(255) NOT NULL, "applied" datetime NOT NULL);

CREATE TABLE "django_content_type" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app_label" varchar(100) NOT NULL, "model" varchar(100) NOT NULL);

CREATE UNIQUE INDEX "django_content_type_app_label_model_76bd3d3b_uniq" ON "django_content_type" ("app_label", "model");

CREATE TABLE "auth_group_permissions" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED, "permission_id" integer NOT NULL REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE UNIQUE INDEX "auth_group_permissions_group_id_permission_id_0cd325b0_uniq" ON "auth_group_permissions" ("group_id", "permission_id");

CREATE INDEX "auth_group_permissions_group_id_b120cbf9" ON "auth_group_permissions" ("group_id");

CREATE INDEX "auth_group_permissions_permission_id_84c5c92e" ON "auth_group_permissions" ("permission_id");

CREATE TABLE "auth_permission" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "content_type_id" integer NOT NULL REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED, "codename" varchar(100) NOT NULL, "name" varchar(255) NOT NULL);

CREATE UNIQUE INDEX "auth_permission_content_type_id_codename_01ab375a_uniq" ON "auth_permission" ("content_type_id", "codename");

CREATE INDEX "auth_permission_content_type_id_2f476e4b" ON "auth_permission" ("content_type_id");

CREATE TABLE "auth_group" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(150) NOT NULL UNIQUE);

CREATE TABLE "shop_staff" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "password" varchar(128) NOT NULL, "last_login" datetime NULL, "email" varchar(254) NOT NULL UNIQUE, "name" varchar(60) NOT NULL, "role" varchar(20) NOT NULL, "minutes_a_day" smallint unsigned NOT NULL CHECK ("minutes_a_day" >= 0), "lang" varchar(2) NOT NULL, "theme" varchar(5) NOT NULL, "is_active" bool NOT NULL, "joined_at" datetime NOT NULL, "store_id" bigint NULL REFERENCES "shop_store" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "shop_outgoing" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "key" varchar(100) NOT NULL UNIQUE, "person" bigint NULL, "channel" varchar(20) NOT NULL, "purpose" varchar(20) NOT NULL, "to" BLOB NOT NULL, "text" BLOB NOT NULL, "state" varchar(10) NOT NULL, "put_at" datetime NOT NULL, "sent_at" datetime NULL);

CREATE TABLE "shop_store" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(100) NOT NULL UNIQUE, "known_until" date NULL, "is_open" bool NOT NULL);

CREATE TABLE "shop_approval" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "kind" varchar(40) NOT NULL, "subject" varchar(60) NOT NULL, "detail" text NOT NULL CHECK ((JSON_VALID("detail") OR "detail" IS NULL)), "asked_at" datetime NOT NULL, "decided_at" datetime NULL, "is_granted" bool NULL, "reason" varchar(200) NOT NULL, "asked_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "decided_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "shop_hold" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "person" bigint NOT NULL, "rule" varchar(60) NOT NULL, "channel" varchar(20) NOT NULL, "until" date NULL, "at" datetime NOT NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "why" BLOB NULL);

CREATE TABLE "shop_contact" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "person" bigint NOT NULL, "on" date NOT NULL, "at" datetime NOT NULL, "channel" varchar(20) NOT NULL, "purpose" varchar(20) NOT NULL, "rule" varchar(60) NOT NULL, "reached" bool NOT NULL, "minutes" smallint unsigned NOT NULL CHECK ("minutes" >= 0), "cost" bigint NOT NULL, "staff_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "shop_job" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "kind" varchar(40) NOT NULL, "args" text NOT NULL CHECK ((JSON_VALID("args") OR "args" IS NULL)), "state" varchar(10) NOT NULL, "done" bigint NOT NULL, "total" bigint NOT NULL, "step" text NOT NULL CHECK ((JSON_VALID("step") OR "step" IS NULL)), "result" text NOT NULL CHECK ((JSON_VALID("result") OR "result" IS NULL)), "error" text NOT NULL CHECK ((JSON_VALID("error") OR "error" IS NULL)), "cancel_asked" bool NOT NULL, "attempts" smallint unsigned NOT NULL CHECK ("attempts" >= 0), "asked_at" datetime NOT NULL, "beat_at" datetime NULL, "ended_at" datetime NULL, "asked_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE INDEX "shop_approval_asked_by_id_e2fae64f" ON "shop_approval" ("asked_by_id");

CREATE INDEX "shop_approval_decided_by_id_4005e456" ON "shop_approval" ("decided_by_id");

CREATE INDEX "shop_hold_person_4467ab8d" ON "shop_hold" ("person");

CREATE INDEX "shop_hold_by_id_1bc57fcd" ON "shop_hold" ("by_id");

CREATE INDEX "shop_staff_store_id_7076fd43" ON "shop_staff" ("store_id");

CREATE INDEX "shop_contact_staff_id_ecab4747" ON "shop_contact" ("staff_id");

CREATE INDEX "shop_contact_person" ON "shop_contact" ("person", "on");

CREATE INDEX "shop_contact_on" ON "shop_contact" ("on");

CREATE INDEX "shop_job_asked_by_id_1bfbceb9" ON "shop_job" ("asked_by_id");

CREATE INDEX "shop_job_state" ON "shop_job" ("state", "id");

CREATE TABLE "sales_savedmapping" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "signature" varchar(64) NOT NULL UNIQUE, "mapping" text NOT NULL CHECK ((JSON_VALID("mapping") OR "mapping" IS NULL)), "options" text NOT NULL CHECK ((JSON_VALID("options") OR "options" IS NULL)), "used_at" datetime NOT NULL);

CREATE TABLE "sales_batch" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "state" varchar(10) NOT NULL, "files" text NOT NULL CHECK ((JSON_VALID("files") OR "files" IS NULL)), "digest" varchar(64) NOT NULL, "reader" varchar(40) NOT NULL, "kind" varchar(20) NOT NULL, "mapping" text NOT NULL CHECK ((JSON_VALID("mapping") OR "mapping" IS NULL)), "options" text NOT NULL CHECK ((JSON_VALID("options") OR "options" IS NULL)), "rows" bigint NOT NULL, "new" bigint NOT NULL, "known" bigint NOT NULL, "refused" bigint NOT NULL, "customers" bigint NOT NULL, "warnings" text NOT NULL CHECK ((JSON_VALID("warnings") OR "warnings" IS NULL)), "covers_from" date NULL, "covers_until" date NULL, "covers" text NOT NULL CHECK ((JSON_VALID("covers") OR "covers" IS NULL)), "first_identity" bigint NOT NULL, "at" datetime NOT NULL, "undone_at" datetime NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "sales_identity" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "kind" varchar(6) NOT NULL, "token" BLOB NOT NULL, "written" BLOB NOT NULL, "is_shared" bool NOT NULL, CONSTRAINT "sales_identity_once" UNIQUE ("kind", "token"));

CREATE TABLE "sales_item" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(200) NOT NULL, "category" varchar(100) NOT NULL, CONSTRAINT "sales_item_once" UNIQUE ("name", "category"));

CREATE TABLE "sales_pairing" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "batch_id" bigint NOT NULL REFERENCES "sales_batch" ("id") DEFERRABLE INITIALLY DEFERRED, "one_id" bigint NOT NULL REFERENCES "sales_identity" ("id") DEFERRABLE INITIALLY DEFERRED, "other_id" bigint NOT NULL REFERENCES "sales_identity" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "sales_pairing_once" UNIQUE ("batch_id", "one_id", "other_id"));

CREATE TABLE "sales_sale" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "key" bigint NOT NULL, "content" bigint NOT NULL, "row" integer NULL, "kind" varchar(10) NOT NULL, "day" date NOT NULL, "own_day" date NULL, "at" datetime NULL, "amount" bigint NOT NULL, "currency" varchar(3) NOT NULL, "receipt" varchar(64) NOT NULL, "refund_of" varchar(64) NOT NULL, "party_size" smallint unsigned NULL CHECK ("party_size" >= 0), "occasion" varchar(40) NOT NULL, "served_by" varchar(60) NOT NULL, "is_current" bool NOT NULL, "batch_id" bigint NOT NULL REFERENCES "sales_batch" ("id") DEFERRABLE INITIALLY DEFERRED, "identity_id" bigint NULL REFERENCES "sales_identity" ("id") DEFERRABLE INITIALLY DEFERRED, "store_id" bigint NOT NULL REFERENCES "shop_store" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "sales_saleline" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "quantity" bigint NOT NULL, "amount" bigint NOT NULL, "item_id" bigint NOT NULL REFERENCES "sales_item" ("id") DEFERRABLE INITIALLY DEFERRED, "sale_id" bigint NOT NULL REFERENCES "sales_sale" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "sales_sighting" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "batch_id" bigint NOT NULL REFERENCES "sales_batch" ("id") DEFERRABLE INITIALLY DEFERRED, "sale_id" bigint NOT NULL REFERENCES "sales_sale" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "sales_sighting_once" UNIQUE ("batch_id", "sale_id"));

CREATE INDEX "sales_batch_by_id_8daaf996" ON "sales_batch" ("by_id");

CREATE INDEX "sales_batch_digest" ON "sales_batch" ("digest");

CREATE INDEX "sales_pairing_one_id_2d9a3f33" ON "sales_pairing" ("one_id");

CREATE INDEX "sales_pairing_other_id_7ca18e33" ON "sales_pairing" ("other_id");

CREATE INDEX "sales_sale_key" ON "sales_sale" ("key");

CREATE INDEX "sales_sale_identity" ON "sales_sale" ("identity_id", "day");

CREATE INDEX "sales_sale_batch" ON "sales_sale" ("batch_id");

CREATE INDEX "sales_sale_receipt" ON "sales_sale" ("receipt") WHERE NOT ("receipt" = '');

CREATE INDEX "sales_sale_refund_of" ON "sales_sale" ("refund_of") WHERE NOT ("refund_of" = '');

CREATE INDEX "sales_saleline_sale_id_8f707bda" ON "sales_saleline" ("sale_id");

CREATE INDEX "sales_sighting_sale_id_e80c4926" ON "sales_sighting" ("sale_id");

CREATE TABLE "customers_touched" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "customer" bigint NULL);

CREATE TABLE "customers_detail" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "key" varchar(60) NOT NULL, "plain" varchar(120) NOT NULL, "sealed" BLOB NULL, "said_at" datetime NOT NULL, "batch_id" bigint NULL REFERENCES "sales_batch" ("id") DEFERRABLE INITIALLY DEFERRED, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "identity_id" bigint NULL REFERENCES "sales_identity" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "customers_link" ("identity_id" bigint NOT NULL PRIMARY KEY REFERENCES "sales_identity" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "customers_searchkey" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "word" varchar(80) NOT NULL, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "customers_portrait" ("customer_id" bigint NOT NULL PRIMARY KEY REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "first_visit_on" date NULL, "last_visit_on" date NULL, "visits" integer NOT NULL, "spend" bigint NOT NULL, "visits_in_12_months" integer NOT NULL, "spend_in_12_months" bigint NOT NULL, "usual_gap_days" real NULL, "last_store" integer NULL);

CREATE INDEX "customers_detail_batch_id_e6ca2716" ON "customers_detail" ("batch_id");

CREATE INDEX "customers_detail_by_id_8b62a017" ON "customers_detail" ("by_id");

CREATE INDEX "customers_detail_identity" ON "customers_detail" ("identity_id", "key");

CREATE INDEX "customers_detail_customer" ON "customers_detail" ("customer_id", "key");

CREATE INDEX "customers_detail_key" ON "customers_detail" ("key");

CREATE INDEX "customers_link_customer_id_5bff8372" ON "customers_link" ("customer_id");

CREATE INDEX "customers_searchkey_customer_id_4a8b306d" ON "customers_searchkey" ("customer_id");

CREATE INDEX "customers_searchkey_word" ON "customers_searchkey" ("word", "customer_id");

CREATE INDEX "customers_portrait_spend" ON "customers_portrait" ("spend_in_12_months" DESC, "customer_id");

CREATE INDEX "customers_portrait_last" ON "customers_portrait" ("last_visit_on" DESC, "customer_id");

CREATE TABLE "care_task" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "playbook" varchar(40) NOT NULL, "rule" varchar(60) NOT NULL, "occasion" varchar(80) NOT NULL, "on" date NOT NULL, "due_on" date NOT NULL, "last_on" date NOT NULL, "name" text NOT NULL CHECK ((JSON_VALID("name") OR "name" IS NULL)), "why" text NOT NULL CHECK ((JSON_VALID("why") OR "why" IS NULL)), "do" text NOT NULL CHECK ((JSON_VALID("do") OR "do" IS NULL)), "say" text NOT NULL CHECK ((JSON_VALID("say") OR "say" IS NULL)), "also" text NOT NULL CHECK ((JSON_VALID("also") OR "also" IS NULL)), "channel" varchar(20) NOT NULL, "minutes" smallint unsigned NOT NULL CHECK ("minutes" >= 0), "cost" bigint NOT NULL, "rank" real NOT NULL, "place" integer unsigned NOT NULL CHECK ("place" >= 0), "fits" bool NOT NULL, "grade" varchar(40) NOT NULL, "state" varchar(12) NOT NULL, "ended_at" datetime NULL, "ended_on" date NULL, "postponed_to" date NULL, "note" BLOB NULL, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "ended_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "staff_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "store_id" bigint NULL REFERENCES "shop_store" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "care_task_once" UNIQUE ("customer_id", "rule", "occasion"));

CREATE INDEX "care_task_customer_id_778692d8" ON "care_task" ("customer_id");

CREATE INDEX "care_task_ended_by_id_53e39f6a" ON "care_task" ("ended_by_id");

CREATE INDEX "care_task_staff_id_8764ac96" ON "care_task" ("staff_id");

CREATE INDEX "care_task_store_id_b0fe74e2" ON "care_task" ("store_id");

CREATE INDEX "care_task_list" ON "care_task" ("on", "state", "staff_id", "place");

CREATE INDEX "care_task_open" ON "care_task" ("state", "last_on");

CREATE INDEX "care_task_rule" ON "care_task" ("rule", "ended_on");

CREATE TABLE "care_dayplan" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "on" date NOT NULL UNIQUE, "waiting" integer unsigned NOT NULL CHECK ("waiting" >= 0), "waiting_beyond" integer unsigned NOT NULL CHECK ("waiting_beyond" >= 0), "paused" text NOT NULL CHECK ((JSON_VALID("paused") OR "paused" IS NULL)), "expected" text NOT NULL CHECK ((JSON_VALID("expected") OR "expected" IS NULL)));

CREATE TABLE "care_handover" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "leaver_name" varchar(60) NOT NULL, "to" text NOT NULL CHECK ((JSON_VALID("to") OR "to" IS NULL)), "has_left" bool NOT NULL, "counts" text NOT NULL CHECK ((JSON_VALID("counts") OR "counts" IS NULL)), "on" date NOT NULL, "at" datetime NOT NULL, "undone_at" datetime NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "leaver_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "undone_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "care_handedover" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "model" varchar(40) NOT NULL, "field" varchar(30) NOT NULL, "record" bigint NOT NULL, "was" bigint NOT NULL, "now" bigint NULL, "kept" text NULL CHECK ((JSON_VALID("kept") OR "kept" IS NULL)), "handover_id" bigint NOT NULL REFERENCES "care_handover" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE INDEX "care_handover_by_id_f5a57eaa" ON "care_handover" ("by_id");

CREATE INDEX "care_handover_leaver_id_8c23f1ec" ON "care_handover" ("leaver_id");

CREATE INDEX "care_handover_undone_by_id_d1bc3088" ON "care_handover" ("undone_by_id");

CREATE INDEX "care_handedover_handover_id_eed367a8" ON "care_handedover" ("handover_id");

CREATE INDEX "care_handedover_line" ON "care_handedover" ("handover_id", "model");

CREATE TABLE "care_taskword" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "token" bigint NOT NULL, "task_id" bigint NOT NULL REFERENCES "care_task" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE INDEX "care_taskword_task_id_0eaff437" ON "care_taskword" ("task_id");

CREATE INDEX "care_taskword_token" ON "care_taskword" ("token", "task_id");

CREATE TABLE "shop_ownrole" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "key" varchar(20) NOT NULL UNIQUE, "name" varchar(40) NOT NULL, "abilities" text NOT NULL CHECK ((JSON_VALID("abilities") OR "abilities" IS NULL)), "reach" varchar(5) NOT NULL, "works_like" varchar(20) NOT NULL);

CREATE TABLE "shop_apitoken" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(60) NOT NULL, "digest" varchar(64) NOT NULL UNIQUE, "made_at" datetime NOT NULL, "used_at" datetime NULL, "staff_id" bigint NOT NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "may_write" bool NOT NULL);

CREATE INDEX "shop_apitoken_staff_id_51d3f068" ON "shop_apitoken" ("staff_id");

CREATE TABLE "shop_alert" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "kind" varchar(20) NOT NULL, "on" date NOT NULL, "words" text NOT NULL CHECK ((JSON_VALID("words") OR "words" IS NULL)), "at" datetime NOT NULL, "seen_at" datetime NULL, "seen_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "staff_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "shop_alert_once" UNIQUE ("kind", "staff_id", "on"));

CREATE TABLE "shop_post" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "role" varchar(20) NOT NULL, "staff_id" bigint NOT NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "store_id" bigint NULL REFERENCES "shop_store" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "shop_post_once" UNIQUE ("staff_id", "role", "store_id"));

CREATE TABLE "shop_reading" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "person" bigint NOT NULL, "what" varchar(20) NOT NULL, "reason" varchar(20) NOT NULL, "said" BLOB NULL, "on" date NOT NULL, "at" datetime NOT NULL, "staff_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "shop_takenout" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "on" date NOT NULL, "at" datetime NOT NULL, "rows" integer unsigned NOT NULL CHECK ("rows" >= 0), "with_numbers" bool NOT NULL, "why" BLOB NULL, "staff_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "shop_use" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "on" date NOT NULL, "kind" varchar(20) NOT NULL, "n" integer unsigned NOT NULL CHECK ("n" >= 0), "staff_id" bigint NOT NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "shop_use_once" UNIQUE ("staff_id", "on", "kind"));

CREATE INDEX "shop_alert_seen_by_id_e977aed7" ON "shop_alert" ("seen_by_id");

CREATE INDEX "shop_alert_staff_id_2908052c" ON "shop_alert" ("staff_id");

CREATE INDEX "shop_post_staff_id_66ea68de" ON "shop_post" ("staff_id");

CREATE INDEX "shop_post_store_id_9bdd3861" ON "shop_post" ("store_id");

CREATE INDEX "shop_reading_staff_id_ae5ae831" ON "shop_reading" ("staff_id");

CREATE INDEX "shop_reading_staff" ON "shop_reading" ("staff_id", "on");

CREATE INDEX "shop_reading_person" ON "shop_reading" ("person");

CREATE INDEX "shop_takenout_staff_id_46f72837" ON "shop_takenout" ("staff_id");

CREATE INDEX "shop_takenout_staff" ON "shop_takenout" ("staff_id", "on");

CREATE INDEX "shop_use_staff_id_d2f4d67d" ON "shop_use" ("staff_id");

CREATE TABLE "shop_authenticator" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "secret" BLOB NOT NULL, "last_step" bigint NOT NULL, "made_at" datetime NOT NULL, "used_at" datetime NULL, "staff_id" bigint NOT NULL UNIQUE REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "shop_passkey" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(60) NOT NULL, "credential" varchar(1400) NOT NULL UNIQUE, "public_key" BLOB NOT NULL, "signs" bigint NOT NULL, "transports" text NOT NULL CHECK ((JSON_VALID("transports") OR "transports" IS NULL)), "made_at" datetime NOT NULL, "used_at" datetime NULL, "staff_id" bigint NOT NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "shop_pin" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "hashed" varchar(128) NOT NULL, "set_at" datetime NOT NULL, "staff_id" bigint NOT NULL UNIQUE REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "shop_login" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "session" varchar(40) NOT NULL UNIQUE, "device" varchar(32) NOT NULL, "kind" varchar(40) NOT NULL, "address" varchar(45) NOT NULL, "how" varchar(20) NOT NULL, "came_at" datetime NOT NULL, "seen_at" datetime NOT NULL, "ended_at" datetime NULL, "is_news" bool NOT NULL, "is_shared" bool NOT NULL, "is_locked" bool NOT NULL, "pin_tries" smallint unsigned NOT NULL CHECK ("pin_tries" >= 0), "staff_id" bigint NOT NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "shop_recoverycode" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "digest" varchar(32) NOT NULL, "used_at" datetime NULL, "staff_id" bigint NOT NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "shop_recovery_once" UNIQUE ("staff_id", "digest"));

CREATE INDEX "shop_passkey_staff_id_13abe708" ON "shop_passkey" ("staff_id");

CREATE INDEX "shop_login_staff_id_f3d6bdbf" ON "shop_login" ("staff_id");

CREATE INDEX "shop_login_device" ON "shop_login" ("staff_id", "device");

CREATE INDEX "shop_recoverycode_staff_id_4d906706" ON "shop_recoverycode" ("staff_id");

CREATE TABLE "shop_lastingsecret" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "purpose" varchar(20) NOT NULL UNIQUE, "secret" BLOB NOT NULL);

CREATE TABLE "shop_auditevent" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "at" datetime NOT NULL, "actor_name" varchar(60) NOT NULL, "verb" varchar(40) NOT NULL, "subject" varchar(60) NOT NULL, "detail" text NOT NULL CHECK ((JSON_VALID("detail") OR "detail" IS NULL)), "actor_id" bigint NULL, "why" BLOB NULL, "place" bigint NULL UNIQUE, "link" BLOB NULL);

CREATE INDEX "shop_auditevent_actor_id_5f84f86e" ON "shop_auditevent" ("actor_id");

CREATE INDEX "shop_audit_subject" ON "shop_auditevent" ("subject");

CREATE TRIGGER shop_audit_no_delete BEFORE DELETE ON shop_auditevent
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TRIGGER shop_audit_no_update BEFORE UPDATE ON shop_auditevent
    WHEN NEW.id IS NOT OLD.id OR NEW.at IS NOT OLD.at OR NEW.actor_id IS NOT OLD.actor_id OR NEW.actor_name IS NOT OLD.actor_name OR NEW.verb IS NOT OLD.verb OR NEW.subject IS NOT OLD.subject OR NEW.detail IS NOT OLD.detail
      OR (OLD.link IS NOT NULL AND (NEW.link IS NOT OLD.link OR NEW.place IS NOT OLD.place))
      OR (NEW.why IS NOT OLD.why AND (OLD.why IS NULL OR NEW.why IS NULL OR substr(NEW.why, 1, 1) = substr(OLD.why, 1, 1)))
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TABLE "shop_business" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(100) NOT NULL, "trade" varchar(20) NOT NULL, "currency" varchar(3) NOT NULL, "time_zone" varchar(50) NOT NULL, "day_ends_at" smallint unsigned NOT NULL CHECK ("day_ends_at" >= 0), "lang" varchar(2) NOT NULL, "known_until_rule" varchar(10) NOT NULL, "voice" varchar(100) NOT NULL, "last_day_run_on" date NULL, "is_example" bool NOT NULL, "created_at" datetime NOT NULL, "export_rows" integer unsigned NOT NULL CHECK ("export_rows" >= 0), "has_watermark" bool NOT NULL, "reveals_a_day" smallint unsigned NOT NULL CHECK ("reveals_a_day" >= 0), "charge_cap" integer unsigned NOT NULL CHECK ("charge_cap" >= 0), "claims_a_day" smallint unsigned NOT NULL CHECK ("claims_a_day" >= 0), "pool_after_days" smallint unsigned NOT NULL CHECK ("pool_after_days" >= 0), "pin_minutes" smallint unsigned NOT NULL CHECK ("pin_minutes" >= 0), "second_for" text NOT NULL CHECK ((JSON_VALID("second_for") OR "second_for" IS NULL)), "answer_days" smallint unsigned NOT NULL CHECK ("answer_days" >= 0), "erase_wait_days" smallint unsigned NOT NULL CHECK ("erase_wait_days" >= 0), "gift_cap_fen" bigint NOT NULL, "keep_customers_months" smallint unsigned NOT NULL CHECK ("keep_customers_months" >= 0), "keep_notes_months" smallint unsigned NOT NULL CHECK ("keep_notes_months" >= 0), "keep_traces_months" smallint unsigned NOT NULL CHECK ("keep_traces_months" >= 0), "sensitive" text NOT NULL CHECK ((JSON_VALID("sensitive") OR "sensitive" IS NULL)));

CREATE TABLE "customers_customer" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(80) NOT NULL, "sex" varchar(6) NOT NULL, "birthday" varchar(24) NOT NULL, "anniversary" varchar(24) NOT NULL, "is_company" bool NOT NULL, "is_by_hand" bool NOT NULL, "is_gone" bool NOT NULL, "since_at" datetime NOT NULL, "founder_id" bigint NULL UNIQUE REFERENCES "sales_identity" ("id") DEFERRABLE INITIALLY DEFERRED, "in_charge_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "store_id" bigint NULL REFERENCES "shop_store" ("id") DEFERRABLE INITIALLY DEFERRED, "merged_into_id" bigint NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "charged_on" date NULL);

CREATE INDEX "customers_customer_in_charge_id_1fc02a69" ON "customers_customer" ("in_charge_id");

CREATE INDEX "customers_customer_store_id_3de17114" ON "customers_customer" ("store_id");

CREATE INDEX "customers_birthday" ON "customers_customer" ("birthday");

CREATE INDEX "customers_merged" ON "customers_customer" ("merged_into_id") WHERE "merged_into_id" IS NOT NULL;

CREATE TABLE "customers_opened" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "until" datetime NOT NULL, "at" datetime NOT NULL, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "staff_id" bigint NOT NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "customers_shared" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "at" datetime NOT NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "staff_id" bigint NOT NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "customers_shared_once" UNIQUE ("customer_id", "staff_id"));

CREATE INDEX "customers_opened_customer_id_257eeec9" ON "customers_opened" ("customer_id");

CREATE INDEX "customers_opened_staff_id_573be594" ON "customers_opened" ("staff_id");

CREATE INDEX "customers_opened_staff" ON "customers_opened" ("staff_id", "until");

CREATE INDEX "customers_shared_by_id_f771df35" ON "customers_shared" ("by_id");

CREATE INDEX "customers_shared_customer_id_2514cee7" ON "customers_shared" ("customer_id");

CREATE INDEX "customers_shared_staff_id_38f72f61" ON "customers_shared" ("staff_id");

CREATE TABLE "customers_noteword" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "token" bigint NOT NULL, "note_id" bigint NOT NULL REFERENCES "customers_note" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE INDEX "customers_noteword_note_id_94e7202f" ON "customers_noteword" ("note_id");

CREATE INDEX "customers_noteword_token" ON "customers_noteword" ("token", "note_id");

CREATE TABLE "customers_family" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(80) NOT NULL, "made_at" datetime NOT NULL);

CREATE TABLE "customers_familymember" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "role" varchar(20) NOT NULL, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "family_id" bigint NOT NULL REFERENCES "customers_family" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "customers_family_once" UNIQUE ("family_id", "customer_id"));

CREATE TABLE "customers_likely" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "kind" varchar(8) NOT NULL, "reasons" text NOT NULL CHECK ((JSON_VALID("reasons") OR "reasons" IS NULL)), "strength" varchar(4) NOT NULL, "weight" smallint NOT NULL, "found_at" datetime NOT NULL, "state" varchar(10) NOT NULL, "decided_at" datetime NULL, "why" BLOB NULL, "joined" text NOT NULL CHECK ((JSON_VALID("joined") OR "joined" IS NULL)), "asked_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "decided_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "family_id" bigint NULL REFERENCES "customers_family" ("id") DEFERRABLE INITIALLY DEFERRED, "one_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "other_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "word_id" bigint NULL REFERENCES "sales_batch" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "customers_likely_once" UNIQUE ("one_id", "other_id"), CONSTRAINT "customers_likely_order" CHECK ("one_id" < ("other_id")));

CREATE INDEX "customers_familymember_customer_id_f019a273" ON "customers_familymember" ("customer_id");

CREATE INDEX "customers_familymember_family_id_83f7d33a" ON "customers_familymember" ("family_id");

CREATE INDEX "customers_likely_asked_by_id_4c366d3d" ON "customers_likely" ("asked_by_id");

CREATE INDEX "customers_likely_decided_by_id_d2805a20" ON "customers_likely" ("decided_by_id");

CREATE INDEX "customers_likely_family_id_3aeb5f1d" ON "customers_likely" ("family_id");

CREATE INDEX "customers_likely_one_id_95c2b5a3" ON "customers_likely" ("one_id");

CREATE INDEX "customers_likely_other_id_bb713558" ON "customers_likely" ("other_id");

CREATE INDEX "customers_likely_word_id_956936d8" ON "customers_likely" ("word_id");

CREATE INDEX "customers_likely_list" ON "customers_likely" ("state", "kind", "weight" DESC, "id");

CREATE TABLE "customers_ownfield" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "key" varchar(40) NOT NULL UNIQUE, "name_zh" varchar(30) NOT NULL UNIQUE, "name_en" varchar(60) NOT NULL, "kind" varchar(6) NOT NULL, "choices" text NOT NULL CHECK ((JSON_VALID("choices") OR "choices" IS NULL)), "group" varchar(10) NOT NULL, "ask_zh" varchar(120) NOT NULL, "ask_en" varchar(120) NOT NULL, "stale_after_days" integer unsigned NULL CHECK ("stale_after_days" >= 0), "is_active" bool NOT NULL, "at" datetime NOT NULL);

CREATE TABLE "customers_tag" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(20) NOT NULL UNIQUE, "at" datetime NOT NULL);

CREATE TABLE "customers_note" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "text" BLOB NOT NULL, "author_name" varchar(60) NOT NULL, "on" date NOT NULL, "at" datetime NOT NULL, "author_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "kind" varchar(10) NOT NULL, "taken_back_at" datetime NULL);

CREATE INDEX "customers_note_author_id_269b3f5d" ON "customers_note" ("author_id");

CREATE INDEX "customers_note_customer_id_505ed79b" ON "customers_note" ("customer_id");

CREATE TABLE "customers_attachment" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" BLOB NOT NULL, "kind" varchar(4) NOT NULL, "size" integer unsigned NOT NULL CHECK ("size" >= 0), "vault_name" varchar(40) NOT NULL UNIQUE, "on" date NOT NULL, "at" datetime NOT NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "customers_relative" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "relation" varchar(12) NOT NULL, "name" BLOB NOT NULL, "birthday" BLOB NULL, "phone" BLOB NULL, "note" BLOB NULL, "at" datetime NOT NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "other_id" bigint NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "customers_tagged" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "at" datetime NOT NULL, "off_at" datetime NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "off_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "tag_id" bigint NOT NULL REFERENCES "customers_tag" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "customers_visitnote" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "day" date NOT NULL, "occasion" varchar(12) NOT NULL, "party_size" smallint unsigned NULL CHECK ("party_size" >= 0), "companions" BLOB NULL, "seat" BLOB NULL, "treatment" BLOB NULL, "feedback" BLOB NULL, "at" datetime NOT NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "served_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "store_id" bigint NULL REFERENCES "shop_store" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE INDEX "customers_attachment_by_id_e1d96473" ON "customers_attachment" ("by_id");

CREATE INDEX "customers_attachment_customer_id_ec4c2264" ON "customers_attachment" ("customer_id");

CREATE INDEX "customers_relative_by_id_29162f84" ON "customers_relative" ("by_id");

CREATE INDEX "customers_relative_customer_id_a3926673" ON "customers_relative" ("customer_id");

CREATE INDEX "customers_relative_other_id_8b0e8068" ON "customers_relative" ("other_id");

CREATE UNIQUE INDEX "customers_tagged_once" ON "customers_tagged" ("tag_id", "customer_id") WHERE "off_at" IS NULL;

CREATE INDEX "customers_tagged_by_id_adc987c5" ON "customers_tagged" ("by_id");

CREATE INDEX "customers_tagged_customer_id_1384973b" ON "customers_tagged" ("customer_id");

CREATE INDEX "customers_tagged_off_by_id_d15b4623" ON "customers_tagged" ("off_by_id");

CREATE INDEX "customers_tagged_tag_id_cd286cb0" ON "customers_tagged" ("tag_id");

CREATE INDEX "customers_visitnote_by_id_8538014d" ON "customers_visitnote" ("by_id");

CREATE INDEX "customers_visitnote_customer_id_fde7c4b5" ON "customers_visitnote" ("customer_id");

CREATE INDEX "customers_visitnote_served_by_id_e816efe0" ON "customers_visitnote" ("served_by_id");

CREATE INDEX "customers_visitnote_store_id_c0315f92" ON "customers_visitnote" ("store_id");

CREATE INDEX "customers_visitnote_day" ON "customers_visitnote" ("customer_id", "day" DESC);

CREATE TABLE "customers_legalhold" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "why" BLOB NOT NULL, "at" datetime NOT NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NOT NULL UNIQUE REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "customers_wording" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "purpose" varchar(20) NOT NULL, "version" smallint unsigned NOT NULL CHECK ("version" >= 0), "zh" text NOT NULL, "en" text NOT NULL, "since" date NOT NULL, CONSTRAINT "customers_wording_once" UNIQUE ("purpose", "version"));

CREATE TABLE "customers_rightsrequest" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "kind" varchar(20) NOT NULL, "on" date NOT NULL, "due_on" date NOT NULL, "asked_by" varchar(20) NOT NULL, "checked" varchar(20) NOT NULL, "said" BLOB NULL, "state" varchar(12) NOT NULL, "result" BLOB NULL, "carried_out_on" date NULL, "ended_on" date NULL, "approval_id" bigint NULL UNIQUE REFERENCES "shop_approval" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "ended_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "taken_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "customers_consent" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "purpose" varchar(20) NOT NULL, "channel" varchar(10) NOT NULL, "granted" bool NOT NULL, "source" varchar(20) NOT NULL, "until" date NULL, "on" date NOT NULL, "at" datetime NOT NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "wording_id" bigint NULL REFERENCES "customers_wording" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE INDEX "customers_legalhold_by_id_200b60a7" ON "customers_legalhold" ("by_id");

CREATE INDEX "customers_rightsrequest_customer_id_218240a9" ON "customers_rightsrequest" ("customer_id");

CREATE INDEX "customers_rightsrequest_ended_by_id_a19b9091" ON "customers_rightsrequest" ("ended_by_id");

CREATE INDEX "customers_rightsrequest_taken_by_id_22a4d340" ON "customers_rightsrequest" ("taken_by_id");

CREATE INDEX "customers_request_open" ON "customers_rightsrequest" ("state", "due_on");

CREATE INDEX "customers_consent_by_id_517fc68e" ON "customers_consent" ("by_id");

CREATE INDEX "customers_consent_wording_id_30f89ac3" ON "customers_consent" ("wording_id");

CREATE INDEX "customers_consent_customer" ON "customers_consent" ("customer_id", "purpose");

CREATE INDEX "customers_consent_purpose" ON "customers_consent" ("purpose");

CREATE TABLE "grading_adoption" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "key" varchar(40) NOT NULL, "version" varchar(20) NOT NULL, "overlay" text NOT NULL, "is_first" bool NOT NULL, "at" datetime NOT NULL, "taken_back_at" datetime NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "grading_graderun" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "playbook" varchar(40) NOT NULL, "version" varchar(20) NOT NULL, "on" date NOT NULL, "at" datetime NOT NULL, "is_full" bool NOT NULL, "seconds" real NOT NULL, "customers" bigint NOT NULL, "changed" bigint NOT NULL, "summary" text NOT NULL CHECK ((JSON_VALID("summary") OR "summary" IS NULL)), "missing_facts" text NOT NULL CHECK ((JSON_VALID("missing_facts") OR "missing_facts" IS NULL)));

CREATE INDEX "grading_adoption_by_id_f4c25cb8" ON "grading_adoption" ("by_id");

CREATE INDEX "grading_run_on" ON "grading_graderun" ("playbook", "on");

CREATE TABLE "grading_gradechange" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "playbook" varchar(40) NOT NULL, "version" varchar(20) NOT NULL, "scale" varchar(40) NOT NULL, "was" varchar(40) NOT NULL, "grade" varchar(40) NOT NULL, "on" date NOT NULL, "conditions" text NOT NULL CHECK ((JSON_VALID("conditions") OR "conditions" IS NULL)), "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE INDEX "grading_change_customer" ON "grading_gradechange" ("customer_id", "scale", "on");

CREATE TABLE "grading_standing" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "playbook" varchar(40) NOT NULL, "scale" varchar(40) NOT NULL, "grade" varchar(40) NOT NULL, "was" varchar(40) NOT NULL, "since" date NOT NULL, "below_since" date NULL, "drops_on" date NULL, "customer_id" bigint NOT NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "grading_standing_once" UNIQUE ("customer_id", "playbook", "scale"));

CREATE INDEX "grading_standing_grade" ON "grading_standing" ("playbook", "scale", "grade", "customer_id");

CREATE INDEX "grading_change_moved" ON "grading_gradechange" ("playbook", "on", "was");

CREATE TABLE "membership_unsettled" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "key" bigint NOT NULL);

CREATE TABLE "membership_balance" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "currency" varchar(20) NOT NULL, "in_hand" bigint NOT NULL, "aside" bigint NOT NULL, "active_on" date NOT NULL, "member_id" bigint NOT NULL REFERENCES "membership_member" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "membership_balance_once" UNIQUE ("member_id", "currency"), CONSTRAINT "membership_balance_hand" CHECK ("in_hand" >= 0), CONSTRAINT "membership_balance_aside" CHECK ("aside" >= 0));

CREATE TABLE "membership_posting" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "source" varchar(20) NOT NULL, "source_id" varchar(80) NOT NULL, "kind" varchar(12) NOT NULL, "on" date NOT NULL, "at" datetime NOT NULL, "rule" varchar(40) NOT NULL, "receipt" varchar(64) NOT NULL, "short" bigint NOT NULL, "detail" text NOT NULL CHECK ((JSON_VALID("detail") OR "detail" IS NULL)), "by_id" bigint NULL, "member_id" bigint NOT NULL REFERENCES "membership_member" ("id") DEFERRABLE INITIALLY DEFERRED, "of_id" bigint NULL REFERENCES "membership_posting" ("id") DEFERRABLE INITIALLY DEFERRED, "store_id" bigint NULL, CONSTRAINT "membership_posting_once" UNIQUE ("source_id", "source", "kind"));

CREATE TABLE "membership_lot" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "currency" varchar(20) NOT NULL, "on" date NOT NULL, "amount" bigint NOT NULL, "in_hand" bigint NOT NULL, "aside" bigint NOT NULL, "ends" date NULL, "ripe_on" date NULL, "idle" smallint unsigned NOT NULL CHECK ("idle" >= 0), "ended" smallint unsigned NOT NULL CHECK ("ended" >= 0), "member_id" bigint NOT NULL REFERENCES "membership_member" ("id") DEFERRABLE INITIALLY DEFERRED, "posting_id" bigint NOT NULL REFERENCES "membership_posting" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "membership_lot_hand" CHECK ("in_hand" >= 0), CONSTRAINT "membership_lot_aside" CHECK ("aside" >= 0));

CREATE TABLE "membership_entry" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "account" varchar(9) NOT NULL, "currency" varchar(20) NOT NULL, "amount" bigint NOT NULL, "lot_id" bigint NULL REFERENCES "membership_lot" ("id") DEFERRABLE INITIALLY DEFERRED, "member_id" bigint NOT NULL REFERENCES "membership_member" ("id") DEFERRABLE INITIALLY DEFERRED, "posting_id" bigint NOT NULL REFERENCES "membership_posting" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "membership_program" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "playbook" varchar(40) NOT NULL, "starts_on" date NOT NULL, "ended_on" date NULL, "at" datetime NOT NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "membership_reservation" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "code" varchar(32) NOT NULL UNIQUE, "state" varchar(10) NOT NULL, "until" datetime NOT NULL, "member_id" bigint NOT NULL REFERENCES "membership_member" ("id") DEFERRABLE INITIALLY DEFERRED, "posting_id" bigint NOT NULL UNIQUE REFERENCES "membership_posting" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TRIGGER membership_posting_no_update BEFORE UPDATE ON membership_posting BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER membership_posting_no_delete BEFORE DELETE ON membership_posting BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER membership_entry_no_update BEFORE UPDATE ON membership_entry BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER membership_entry_no_delete BEFORE DELETE ON membership_entry BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE INDEX "membership_posting_member_id_0f3cd8f5" ON "membership_posting" ("member_id");

CREATE INDEX "membership_posting_receipt" ON "membership_posting" ("receipt") WHERE NOT ("receipt" = '');

CREATE INDEX "membership_lot_open" ON "membership_lot" ("member_id") WHERE ("in_hand" > 0 OR "aside" > 0);

CREATE INDEX "membership_entry_posting_id_88fdbba6" ON "membership_entry" ("posting_id");

CREATE INDEX "membership_program_by_id_3e13686b" ON "membership_program" ("by_id");

CREATE INDEX "membership_reservation_member_id_d301755e" ON "membership_reservation" ("member_id");

CREATE INDEX "membership_reservation_open" ON "membership_reservation" ("until") WHERE "state" = 'open';

CREATE TABLE "membership_couponpart" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "off" bigint NOT NULL, "cost" bigint NOT NULL, "coupon_id" bigint NOT NULL REFERENCES "membership_coupon" ("id") DEFERRABLE INITIALLY DEFERRED, "use_id" bigint NOT NULL REFERENCES "membership_couponuse" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "membership_offer" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "kind" varchar(8) NOT NULL, "name" varchar(40) NOT NULL, "name_en" varchar(60) NOT NULL, "worth" bigint NOT NULL, "percent" smallint unsigned NOT NULL CHECK ("percent" >= 0), "cost" bigint NOT NULL, "stock" integer unsigned NOT NULL CHECK ("stock" >= 0), "limit" smallint unsigned NOT NULL CHECK ("limit" >= 0), "price" bigint NOT NULL, "currency" varchar(20) NOT NULL, "valid_from" date NOT NULL, "valid_until" date NOT NULL, "days" smallint unsigned NOT NULL CHECK ("days" >= 0), "weekdays" text NOT NULL CHECK ((JSON_VALID("weekdays") OR "weekdays" IS NULL)), "first" time NULL, "last" time NULL, "stores" text NOT NULL CHECK ((JSON_VALID("stores") OR "stores" IS NULL)), "least" bigint NOT NULL, "stacking" varchar(11) NOT NULL, "budget" bigint NOT NULL, "state" varchar(7) NOT NULL, "out" integer unsigned NOT NULL CHECK ("out" >= 0), "committed" bigint NOT NULL, "at" datetime NOT NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "membership_offer_stock" CHECK (("stock" = 0 OR "out" <= ("stock"))), CONSTRAINT "membership_offer_committed" CHECK ("committed" >= 0));

CREATE TABLE "membership_coupon" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "code" varchar(16) NOT NULL UNIQUE, "source" varchar(20) NOT NULL, "source_id" varchar(80) NOT NULL, "state" varchar(8) NOT NULL, "valid_from" date NOT NULL, "valid_until" date NOT NULL, "issued_on" date NOT NULL, "cost" bigint NOT NULL, "issued_by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "member_id" bigint NOT NULL REFERENCES "membership_member" ("id") DEFERRABLE INITIALLY DEFERRED, "posting_id" bigint NULL REFERENCES "membership_posting" ("id") DEFERRABLE INITIALLY DEFERRED, "use_id" bigint NULL REFERENCES "membership_couponuse" ("id") DEFERRABLE INITIALLY DEFERRED, "offer_id" bigint NOT NULL REFERENCES "membership_offer" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "membership_coupon_once" UNIQUE ("source_id", "source"));

CREATE INDEX "membership_couponpart_coupon_id_03d42574" ON "membership_couponpart" ("coupon_id");

CREATE INDEX "membership_couponpart_use_id_cca663ca" ON "membership_couponpart" ("use_id");

CREATE INDEX "membership_offer_by_id_606a88bc" ON "membership_offer" ("by_id");

CREATE INDEX "membership_coupon_issued_by_id_57c5a00c" ON "membership_coupon" ("issued_by_id");

CREATE INDEX "membership_coupon_member_id_17bd4fd5" ON "membership_coupon" ("member_id");

CREATE INDEX "membership_coupon_posting_id_f4b4b644" ON "membership_coupon" ("posting_id");

CREATE INDEX "membership_coupon_use_id_18147475" ON "membership_coupon" ("use_id");

CREATE INDEX "membership_coupon_offer_id_f3a6ed2f" ON "membership_coupon" ("offer_id");

CREATE INDEX "membership_coupon_ends" ON "membership_coupon" ("valid_until") WHERE "state" = 'issued';

CREATE TABLE "membership_member" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "number" varchar(16) NOT NULL UNIQUE, "code" varchar(12) NOT NULL UNIQUE, "joined_on" date NOT NULL, "how" varchar(12) NOT NULL, "left_on" date NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NULL UNIQUE REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "store_id" bigint NULL REFERENCES "shop_store" ("id") DEFERRABLE INITIALLY DEFERRED, "device" varchar(32) NOT NULL, "works_here" bool NOT NULL);

CREATE INDEX "membership_member_by_id_50855258" ON "membership_member" ("by_id");

CREATE INDEX "membership_member_store_id_de100d66" ON "membership_member" ("store_id");

CREATE INDEX "membership_member_joined" ON "membership_member" ("joined_on");

CREATE TABLE "membership_reason" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "why" BLOB NOT NULL, "approval_id" bigint NULL UNIQUE REFERENCES "shop_approval" ("id") DEFERRABLE INITIALLY DEFERRED, "posting_id" bigint NULL UNIQUE REFERENCES "membership_posting" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "membership_partner" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(80) NOT NULL, "begins" text NOT NULL CHECK ((JSON_VALID("begins") OR "begins" IS NULL)), "benefit" varchar(200) NOT NULL, "percent_off" decimal NOT NULL, "share_percent" decimal NOT NULL, "valid_from" date NOT NULL, "valid_until" date NULL, "at" datetime NOT NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "membership_tierbought" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "key" varchar(64) NOT NULL UNIQUE, "tier" varchar(40) NOT NULL, "price" bigint NOT NULL, "starts_on" date NOT NULL, "ends_on" date NOT NULL, "at" datetime NOT NULL, "is_undone" bool NOT NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "member_id" bigint NOT NULL REFERENCES "membership_member" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "membership_partnercard" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "token" BLOB NOT NULL, "partner_id" bigint NOT NULL REFERENCES "membership_partner" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "membership_partner_card_once" UNIQUE ("partner_id", "token"));

CREATE TABLE "membership_partneruse" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "key" varchar(64) NOT NULL UNIQUE, "token" BLOB NOT NULL, "on" date NOT NULL, "bill" bigint NOT NULL, "off" bigint NOT NULL, "is_undone" bool NOT NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "partner_id" bigint NOT NULL REFERENCES "membership_partner" ("id") DEFERRABLE INITIALLY DEFERRED, "store_id" bigint NULL REFERENCES "shop_store" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE TABLE "membership_referral" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "on" date NOT NULL, "how" varchar(10) NOT NULL, "device" varchar(32) NOT NULL, "state" varchar(10) NOT NULL, "why" varchar(12) NOT NULL, "counted_on" date NULL, "postings" text NOT NULL CHECK ((JSON_VALID("postings") OR "postings" IS NULL)), "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "friend_id" bigint NULL UNIQUE REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED, "referrer_id" bigint NOT NULL REFERENCES "membership_member" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE INDEX "membership_partner_by_id_969ab241" ON "membership_partner" ("by_id");

CREATE INDEX "membership_tierbought_by_id_c2fa9637" ON "membership_tierbought" ("by_id");

CREATE INDEX "membership_tierbought_member_id_0f40813b" ON "membership_tierbought" ("member_id");

CREATE INDEX "membership_partnercard_partner_id_b8bfa792" ON "membership_partnercard" ("partner_id");

CREATE INDEX "membership_partneruse_by_id_73c3ede6" ON "membership_partneruse" ("by_id");

CREATE INDEX "membership_partneruse_customer_id_aede69d5" ON "membership_partneruse" ("customer_id");

CREATE INDEX "membership_partneruse_partner_id_5855bce2" ON "membership_partneruse" ("partner_id");

CREATE INDEX "membership_partneruse_store_id_e46f8f5e" ON "membership_partneruse" ("store_id");

CREATE INDEX "membership_use_partner" ON "membership_partneruse" ("partner_id", "on");

CREATE INDEX "membership_referral_by_id_5e7846ec" ON "membership_referral" ("by_id");

CREATE INDEX "membership_referral_referrer_id_ea8cd681" ON "membership_referral" ("referrer_id");

CREATE INDEX "membership_referral_state" ON "membership_referral" ("state", "on");

CREATE TABLE "membership_knock" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "mark" varchar(40) NOT NULL UNIQUE, "code" varchar(40) NOT NULL, "phone" BLOB NULL, "until" datetime NOT NULL, "tries" smallint unsigned NOT NULL CHECK ("tries" >= 0), "used_at" datetime NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "customer_id" bigint NULL REFERENCES "customers_customer" ("id") DEFERRABLE INITIALLY DEFERRED);

CREATE INDEX "membership_knock_by_id_328ec80e" ON "membership_knock" ("by_id");

CREATE INDEX "membership_knock_customer_id_5d11c279" ON "membership_knock" ("customer_id");

CREATE INDEX "membership_knock_until" ON "membership_knock" ("until");

CREATE INDEX "membership_posting_of" ON "membership_posting" ("of_id") WHERE "of_id" IS NOT NULL;

CREATE INDEX "membership_lot_ends" ON "membership_lot" ("ends") WHERE ("ends" IS NOT NULL AND "in_hand" > 0);

CREATE TABLE "membership_earned" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "what" varchar(40) NOT NULL, "currency" varchar(20) NOT NULL, "day" date NOT NULL, "gross" bigint NOT NULL, "units" bigint NOT NULL, "due" bigint NOT NULL, "owed" bigint NOT NULL, "turns" smallint unsigned NOT NULL CHECK ("turns" >= 0), "parts" text NOT NULL CHECK ((JSON_VALID("parts") OR "parts" IS NULL)), "rules" text NOT NULL CHECK ((JSON_VALID("rules") OR "rules" IS NULL)), "member_id" bigint NOT NULL REFERENCES "membership_member" ("id") DEFERRABLE INITIALLY DEFERRED, "by_value" bigint NOT NULL, "most" bigint NULL, CONSTRAINT "membership_earned_once" UNIQUE ("what", "currency"));

CREATE INDEX "membership_earned_member_id_2a536813" ON "membership_earned" ("member_id");

CREATE INDEX "membership_earned_day" ON "membership_earned" ("member_id", "day");

CREATE INDEX "membership_earned_owed" ON "membership_earned" ("member_id") WHERE "owed" > 0;

CREATE TABLE "membership_couponuse" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "source" varchar(20) NOT NULL, "source_id" varchar(80) NOT NULL, "code" varchar(32) NOT NULL UNIQUE, "state" varchar(9) NOT NULL, "until" datetime NULL, "bill" bigint NOT NULL, "payable" bigint NOT NULL, "on" date NOT NULL, "at" datetime NOT NULL, "receipt" varchar(64) NOT NULL, "back_on" date NULL, "by_id" bigint NULL REFERENCES "shop_staff" ("id") DEFERRABLE INITIALLY DEFERRED, "store_id" bigint NULL REFERENCES "shop_store" ("id") DEFERRABLE INITIALLY DEFERRED, "is_back_by_refund" bool NOT NULL, CONSTRAINT "membership_couponuse_once" UNIQUE ("source_id", "source"), CONSTRAINT "membership_couponuse_payable" CHECK ("payable" >= 0));

CREATE INDEX "membership_couponuse_by_id_2df2babf" ON "membership_couponuse" ("by_id");

CREATE INDEX "membership_couponuse_store_id_e97d9fb5" ON "membership_couponuse" ("store_id");

CREATE INDEX "membership_couponuse_open" ON "membership_couponuse" ("until") WHERE "state" = 'reserved';

CREATE INDEX "membership_couponuse_receipt" ON "membership_couponuse" ("receipt") WHERE NOT ("receipt" = '');

CREATE INDEX "membership_lot_ripe" ON "membership_lot" ("ripe_on") WHERE ("aside" > 0 AND "ripe_on" IS NOT NULL);

CREATE TABLE "sales_forgotten" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "token" BLOB NOT NULL UNIQUE, "on" date NOT NULL);

CREATE TABLE "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" datetime NOT NULL);

CREATE INDEX "django_session_expire_date_a5c62663" ON "django_session" ("expire_date");
