package io.jllm.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.demo.DemoModel;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The engine of an executor, without Spark. */
class EngineTest {
    @AfterEach
    void close() {
        ExecutorEngine.close();
    }

    private static LLM open() {
        return LLM.load(DemoModel.path()).threads(1).open();
    }

    private static Answers<?> answers(LLM llm) {
        List<Row> rows = IntStream.range(0, 200).mapToObj(i -> RowFactory.create((long) i, "Once", null)).toList();
        return new RowRequests(llm, Inference.prompts("id", "prompt").withParams("{\"max_tokens\": 60}")).answers(rows.iterator());
    }

    @Test
    void thereIsOneOfAnExecutor() {
        String message = assertThrows(IllegalStateException.class, JllmPlugin::llm).getMessage();
        assertTrue(message.contains("spark.plugins=io.jllm.spark.JllmPlugin"), message);
        ExecutorEngine.open(EngineTest::open);
        assertSame(JllmPlugin.llm(), JllmPlugin.llm());
        assertThrows(IllegalStateException.class, () -> ExecutorEngine.open(EngineTest::open));
    }

    /** A task that meets a broken engine fails, so that Spark has its rows asked again, and finds a new one. */
    @Test
    void aBrokenEngineIsReplaced() {
        ExecutorEngine.open(EngineTest::open);
        LLM broken = JllmPlugin.llm();
        Answers<?> answers = answers(broken);
        answers.next();
        broken.close();
        assertThrows(IllegalStateException.class, () -> answers.forEachRemaining(row -> assertEquals("length", row.getString(2))));
        assertEquals(Optional.empty(), ExecutorEngine.current());
        LLM next = JllmPlugin.llm();
        assertNotSame(broken, next);
        answers(next).next();
        ExecutorEngine.replaceIfClosed(broken); // another task of the broken one
        assertSame(next, JllmPlugin.llm());
    }

    /** Rows may throw what a broken engine throws. */
    @Test
    void anEngineThatIsWellStays() {
        ExecutorEngine.open(EngineTest::open);
        LLM llm = JllmPlugin.llm();
        Answers<?> answers = new RowRequests(llm, Inference.prompts("id", "prompt")).answers(Stream.<Row>generate(() -> {
            throw new IllegalStateException("the block is lost");
        }).iterator());
        assertEquals("the block is lost", assertThrows(IllegalStateException.class, answers::next).getMessage());
        assertSame(llm, JllmPlugin.llm());
    }

    @Test
    void aTaskThatEndsEarlyLeavesNothingBehind() {
        ExecutorEngine.open(EngineTest::open);
        Answers<?> answers = answers(JllmPlugin.llm());
        answers.next();
        answers.close();
        while (JllmPlugin.llm().metrics().running() + JllmPlugin.llm().metrics().waiting() > 0) {
            Thread.onSpinWait();
        }
        assertEquals(JllmPlugin.llm().metrics().kvBlocks(), JllmPlugin.llm().metrics().freeKvBlocks());
    }
}
