package io.jllm.cpu.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The demo model, hot, under schemas at random: every answer ends by itself, within 2,048 tokens and its context of 1,024, and is valid. Half of
 * the schemas bound all strings, arrays and objects; under the others the model would write on and on in a string or in members that no schema
 * names, were it not steered. How many schemas: {@code -Djllm.schemas}.
 */
class SchemaAnswersTest {
    private static final int SCHEMAS = Integer.getInteger("jllm.schemas", 100) / 2;
    private static LLM llm;

    @BeforeAll
    static void open() {
        llm = LLM.load(DemoModel.path()).backend("cpu").open();
    }

    @AfterAll
    static void close() {
        llm.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void answersEndAndAreValid(boolean bounded) {
        var source = new RandomSchemas(23, bounded);
        var schemas = new ArrayList<String>();
        var requests = new ArrayList<Request>();
        for (int i = 0; i < SCHEMAS; i++) {
            schemas.add(source.next());
            SamplingParams hot = SamplingParams.builder().temperature(1.5).seed(i).maxTokens(2048)
                    .constraint(Constraint.jsonSchema(schemas.get(i))).build();
            requests.add(Request.of("Once upon a time", hot));
        }
        List<CompletionOutput> answers = llm.generate(requests).stream().map(o -> o.outputs().getFirst()).toList();
        var complaints = new ArrayList<String>();
        for (int i = 0; i < SCHEMAS; i++) {
            CompletionOutput answer = answers.get(i);
            String complaint = answer.finishReason() == FinishReason.STOP ? new SchemaOracle(schemas.get(i)).complaint(answer.text())
                    : "ended by " + answer.finishReason() + " after " + answer.tokenIds().length + " tokens";
            if (!complaint.isEmpty()) {
                complaints.add(complaint + ": " + answer.text() + " for " + schemas.get(i));
            }
        }
        assertEquals(List.of(), complaints);
    }
}
