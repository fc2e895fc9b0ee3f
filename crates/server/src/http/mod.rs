//! HTTP: extract, call one service, map the answer.
