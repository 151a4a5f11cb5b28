"""Routes under /api/auth. A middleware answers them with a trailing slash too."""

from django.urls import path

from accounts.api import me, sessions, views

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
    path("ws-ticket", views.TicketView.as_view(), name="ws-ticket"),
]
