"""Requests that no client should send: made by mutating good ones, sent to a real predictor, each answer judged."""
