from django.urls import path

from portal.accounts import clerk_views, factor_views, register_views, views

urlpatterns = [
    path("login/person/", views.login_person, name="login-person"),
    path("login/employer/", views.login_employer, name="login-employer"),
    path("login/go-on/", views.go_on, name="go-on"),
    path("logout/", views.leave, name="logout"),
    path("register/", register_views.register, name="register"),
    path("register/proof/", register_views.prove, name="register-prove"),
    path("register/face/", register_views.face_done, name="register-face"),
    path("register/password/", register_views.set_password, name="register-password"),
    path("password/forgot/", views.forgot, name="forgot"),
    path("account/", views.account, name="account"),
    path("account/phone/", views.account_phone, name="account-phone"),
    path("account/sessions/end/", views.end_sessions, name="account-sessions-end"),
    path("account/clerks/", clerk_views.clerks, name="clerks"),
    path(
        "account/clerks/invitations/<int:pk>/withdraw/",
        clerk_views.invitation_withdraw,
        name="invitation-withdraw",
    ),
    path("account/clerks/<int:pk>/end/", clerk_views.clerk_end, name="clerk-end"),
    path("join/<str:token>/", clerk_views.join, name="join"),
    path("account/first-password/", factor_views.first_password, name="first-password"),
    path("staff/factor/", factor_views.factor, name="factor"),
    path("staff/factor/enrol/", factor_views.factor_enrol, name="factor-enrol"),
    path("staff/factor/codes/", factor_views.factor_codes, name="factor-codes"),
    path("staff/factors/", factor_views.own_factors, name="factors"),
    path("staff/factors/codes/", factor_views.new_codes, name="factors-new-codes"),
    path(
        "staff/factors/authenticator/remove/",
        factor_views.remove_authenticator,
        name="factors-no-authenticator",
    ),
    path("staff/factors/passkeys/<int:pk>/remove/", factor_views.remove_passkey, name="factors-no-passkey"),
    path("staff/passkeys/ask/", factor_views.passkey_ask, name="passkey-ask"),
    path("staff/passkeys/begin/", factor_views.passkey_begin, name="passkey-begin"),
    path("captcha/question/", views.captcha_question, name="captcha-question"),
    path("session/", views.session, name="session"),
    path("demo/messages/", views.demo_messages, name="demo-messages"),
]
