package io.jllm.server.responses;

import io.jllm.chat.AnswerPart;
import io.jllm.server.generation.AnswerRun;
import io.jllm.server.generation.Finished;
import io.jllm.server.generation.Serving;
import io.jllm.server.http.ApiError;
import io.jllm.server.http.Call;
import io.jllm.server.http.Endpoint;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import io.jllm.server.model.Lease;
import java.io.IOException;
import java.util.Optional;

/** {@code POST /v1/responses}. */
public record Responses(Serving serving) implements Endpoint {
    @Override
    public void answer(Call call) throws IOException, InterruptedException {
        Field body = call.json();
        try (Lease lease = serving.lease(call, body)) {
            ResponseAsk ask = ResponseAsk.read(body, serving, lease);
            try (AnswerRun run = AnswerRun.start(serving, lease, ask.task())) {
                var response = new ResponseBody("resp_" + call.id(), ask, lease);
                if (ask.stream()) {
                    stream(call, response, run);
                } else {
                    call.await();
                    Finished finished = run.await();
                    var items = new OutputItems(call.id(), new ResponseEvents(Optional.empty()));
                    items.add(finished.answers().getFirst().answer());
                    items.close(ResponseBody.isCut(finished) ? "incomplete" : "completed");
                    call.reply(200, response.ended(finished, items.done()));
                }
            }
        }
    }

    private static void stream(Call call, ResponseBody response, AnswerRun run) throws IOException, InterruptedException {
        var events = new ResponseEvents(Optional.of(call.events()));
        var items = new OutputItems(call.id(), events);
        events.send("response.created", Json.object().put("response", response.begun()));
        events.send("response.in_progress", Json.object().put("response", response.begun()));
        try {
            Finished finished = run.read(delta -> {
                for (AnswerPart part : delta.parts()) {
                    items.add(part);
                }
            });
            boolean cut = ResponseBody.isCut(finished);
            items.close(cut ? "incomplete" : "completed");
            events.send(cut ? "response.incomplete" : "response.completed", Json.object().put("response", response.ended(finished, items.done())));
        } catch (ApiError e) {
            call.note(e.getMessage());
            items.close("incomplete");
            events.send("response.failed", Json.object().put("response", response.failed(e, items.done())));
        }
    }
}
