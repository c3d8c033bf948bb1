package io.jllm.chat.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.chat.Answer;
import io.jllm.chat.Message;
import io.jllm.chat.Role;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolCall;
import io.jllm.chat.tools.Conversation.End;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class ConversationTest {
    private static final List<Message> BEGINNING = List.of(Message.system("s"), Message.user("u"));

    private static Answer text(String text) {
        return new Answer(text, Optional.empty(), List.of(), Optional.empty());
    }

    private static Answer calls(String... names) {
        var calls = new ArrayList<ToolCall>();
        for (String name : names) {
            calls.add(new ToolCall("id" + calls.size(), name, "{}"));
        }
        return new Answer("", Optional.of("thought"), calls, Optional.empty());
    }

    private static Tools tools(String... names) {
        var builder = Tools.builder();
        for (String name : names) {
            builder.add(new Tool(name, "", "{}"), _ -> "result of " + name);
        }
        return builder.build();
    }

    private static Function<List<Message>, Answer> script(Answer... answers) {
        var next = List.of(answers).iterator();
        return _ -> next.next();
    }

    @Test
    void anAnswerWithoutCalls() {
        var transcript = Conversation.with(tools("a")).run(BEGINNING, script(text("hi")));
        assertEquals(End.ANSWERED, transcript.end());
        assertEquals(0, transcript.rounds());
        assertEquals(List.of(Message.system("s"), Message.user("u"), Message.assistant("hi")), transcript.messages());
    }

    @Test
    void resultsAreGivenToTheModel() {
        var seen = new ArrayList<List<Message>>();
        var script = script(calls("a", "b", "missing"), calls("a"), text("done"));
        var transcript = Conversation.with(tools("a", "b")).run(BEGINNING, messages -> {
            seen.add(messages);
            return script.apply(messages);
        });
        assertEquals(End.ANSWERED, transcript.end());
        assertEquals(2, transcript.rounds());
        assertEquals("done", transcript.answer().content());
        assertEquals(List.of(2, 6, 8), seen.stream().map(List::size).toList());
        assertEquals(transcript.messages().subList(0, 8), seen.getLast());
        assertEquals(List.of("result of a", "result of b", "error: there is no tool missing; there are: a, b"),
                seen.get(1).stream().filter(m -> m.role() == Role.TOOL).map(Message::content).toList());
        assertEquals(Optional.of("thought"), seen.get(1).get(2).reasoning());
        assertEquals(Optional.of("id1"), seen.get(1).get(4).toolCallId());
    }

    @Test
    void modelsThatNeverStopCalling() {
        var transcript = Conversation.with(tools("a")).withMaxRounds(3).run(BEGINNING, _ -> calls("a"));
        assertEquals(End.MAX_ROUNDS, transcript.end());
        assertEquals(3, transcript.rounds());
        assertEquals(Role.ASSISTANT, transcript.messages().getLast().role());
        assertEquals(2 + 3 * 2 + 1, transcript.messages().size());
        assertThrows(IllegalArgumentException.class, () -> Conversation.with(tools("a")).withMaxRounds(0));
    }

    @Test
    void anUnfinishedCallIsNotRun() {
        var unfinished = new Answer("", Optional.empty(), List.of(), Optional.of(new ToolCall("i", "a", "{\"x")));
        assertEquals(End.UNFINISHED_CALL, Conversation.with(tools("a")).run(BEGINNING, _ -> unfinished).end());
    }

    /** Each waits for the others: one after the other they would never end. */
    @Test
    void inParallelAndInOrder() {
        var barrier = new CyclicBarrier(3);
        var builder = Tools.builder();
        for (String name : List.of("a", "b", "c")) {
            builder.add(new Tool(name, "", "{}"), _ -> {
                try {
                    barrier.await();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
                return name;
            });
        }
        var transcript = Conversation.with(builder.build()).inParallel().run(BEGINNING, script(calls("a", "b", "c"), text("x")));
        assertEquals(List.of("a", "b", "c"), transcript.messages().subList(3, 6).stream().map(Message::content).toList());
    }

    @Test
    void errorsInParallelAreThrownAndInterruptionsStopTheTools() throws Exception {
        var error = Tools.builder().add(new Tool("a", "", "{}"), _ -> {
            throw new AssertionError("broken");
        }).build();
        assertThrows(AssertionError.class, () -> Conversation.with(error).inParallel().run(BEGINNING, script(calls("a", "a"))));
        var started = new CountDownLatch(2);
        var never = new CountDownLatch(1);
        var waiting = Tools.builder().add(new Tool("a", "", "{}"), _ -> {
            started.countDown();
            try {
                never.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return "";
        }).build();
        var thrown = new ArrayList<Throwable>();
        var thread = Thread.ofPlatform().start(() -> {
            try {
                Conversation.with(waiting).inParallel().run(BEGINNING, script(calls("a", "a")));
            } catch (IllegalStateException e) {
                thrown.add(e);
                thrown.add(Thread.currentThread().isInterrupted() ? new InterruptedException() : new AssertionError());
            }
        });
        started.await();
        thread.interrupt();
        thread.join();
        assertTrue(thrown.getFirst().getMessage().contains("interrupted"));
        assertTrue(thrown.getLast() instanceof InterruptedException);
    }
}
