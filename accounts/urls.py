"""Routes under /api/auth. A middleware answers them with a trailing slash too."""

from django.urls import path

from accounts.api import email, me, sessions, views

app_name = "accounts"

urlpatterns = [
    path("register", views.RegisterView.as_view(), name="register"),
    path("login", views.LoginView.as_view(), name="login"),
    path("refresh", views.RefreshView.as_view(), name="refresh"),
    path("logout", views.LogoutView.as_view(), name="logout"),
    path("me", me.MeView.as_view(), name="me"),
    path("password", sessions.PasswordView.as_view(), name="password"),
    path("sessions", sessions.SessionsView.as_view(), name="sessions"),
    path("sessions/<uuid:session_id>", sessions.SessionView.as_view(), name="session"),
    path("logout-all", sessions.LogoutAllView.as_view(), name="logout-all"),
    path("me/export", me.AccountExportView.as_view(), name="me-export"),
    path("options", email.OptionsView.as_view(), name="options"),
    path("email", email.EmailView.as_view(), name="email"),
    path("email/verify", email.EmailVerifyView.as_view(), name="email-verify"),
    path("password/forgot", email.PasswordForgotView.as_view(), name="password-forgot"),
    path("password/reset", email.PasswordResetView.as_view(), name="password-reset"),
    path("ws-ticket", views.TicketView.as_view(), name="ws-ticket"),
]
