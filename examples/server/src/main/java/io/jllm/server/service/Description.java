package io.jllm.server.service;
import io.jllm.server.http.*;
public record Description() implements Endpoint { public void answer(Call call) { throw ApiError.notFound("x"); } }
