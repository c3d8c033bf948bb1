package io.jllm.cpu.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.SamplingParams;
import io.jllm.constraint.Constraint;
import io.jllm.constraint.RandomSchemas;
import io.jllm.constraint.SchemaOracle;
import io.jllm.demo.DemoModel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The demo model, hot, under schemas at random in which strings, arrays and objects have bounds: nearly all answers end by themselves within its
 * context of 1,024 tokens, and each that does is valid. Without the bounds it writes on and on in a string or in members that no schema names,
 * and fewer end. How many schemas: {@code -Djllm.schemas}.
 */
class SchemaAnswersTest {
    private static final int SCHEMAS = Integer.getInteger("jllm.schemas", 100);

    @Test
    void answersEndAndAreValid() {
        var source = new RandomSchemas(23, true);
        var schemas = new ArrayList<String>();
        var requests = new ArrayList<Request>();
        for (int i = 0; i < SCHEMAS; i++) {
            schemas.add(source.next());
            SamplingParams hot = SamplingParams.builder().temperature(1.5).seed(i).maxTokens(1024)
                    .constraint(Constraint.jsonSchema(schemas.get(i))).build();
            requests.add(Request.of("Once upon a time", hot));
        }
        List<CompletionOutput> answers;
        try (LLM llm = LLM.load(DemoModel.path()).backend("cpu").open()) {
            answers = llm.generate(requests).stream().map(o -> o.outputs().getFirst()).toList();
        }
        var complaints = new ArrayList<String>();
        int ended = 0;
        for (int i = 0; i < SCHEMAS; i++) {
            CompletionOutput answer = answers.get(i);
            if (answer.finishReason() == FinishReason.STOP) {
                ended++;
                String complaint = new SchemaOracle(schemas.get(i)).complaint(answer.text());
                if (!complaint.isEmpty()) {
                    complaints.add(complaint + ": " + answer.text() + " for " + schemas.get(i));
                }
            }
        }
        assertEquals(List.of(), complaints);
        assertTrue(ended >= 0.9 * SCHEMAS, ended + " of " + SCHEMAS + " ended by themselves");
    }
}
