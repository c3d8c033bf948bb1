package io.jllm.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.schema.JsonType;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.Period;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/**
 * Texts that masks let through, token by token, are values of the schema to a validator that others wrote. How many schemas:
 * {@code -Djllm.schemas}.
 */
class RandomSchemasTest {
    private static final int SCHEMAS = Integer.getInteger("jllm.schemas", 300);
    private static final int WALKS = 3;
    /** After so many tokens those that close something are preferred. */
    private static final int LONG = 60;
    private static final int LONGEST = 1500;

    private final FragmentTokenizer tokenizer = new FragmentTokenizer(5);
    private final Random random = new Random(17);

    @Test
    void whatMasksLetThroughIsValid() {
        var schemas = new RandomSchemas(11, false);
        var complaints = new ArrayList<String>();
        int ended = 0;
        for (int i = 0; i < SCHEMAS; i++) {
            String schema = schemas.next();
            Constraint c = Constraint.jsonSchema(schema);
            var oracle = new SchemaOracle(schema);
            for (int w = 0; w < WALKS; w++) {
                Optional<String> text = walk(c);
                if (text.isPresent()) {
                    String complaint = oracle.complaint(text.get());
                    if (!complaint.isEmpty()) {
                        complaints.add(complaint + ": " + text.get() + " for " + schema);
                    }
                    assertTrue(c.accepts(text.get()), () -> text.get() + " for " + schema);
                    ended++;
                }
            }
        }
        assertEquals(List.of(), complaints);
        int all = WALKS * SCHEMAS;
        assertTrue(ended >= 0.95 * all, ended + " of " + all + " ended within " + LONGEST + " tokens");
    }

    @Test
    void formatsAreThoseOfTheStandards() {
        for (String format : RandomSchemas.FORMATS) {
            String schema = "{\"type\": \"string\", \"format\": \"" + format + "\"}";
            Constraint c = Constraint.jsonSchema(schema);
            var oracle = new SchemaOracle(schema);
            for (int w = 0; w < 50; w++) {
                walk(c).ifPresent(t -> assertEquals("", oracle.complaint(t), t));
            }
        }
    }

    @Test
    void javaReadsWhatTheSchemasOfItsTypesAdmit() {
        List<Class<?>> types = List.of(Instant.class, OffsetDateTime.class, ZonedDateTime.class, OffsetTime.class, LocalTime.class, Duration.class,
                Period.class, UUID.class, URI.class);
        for (Class<?> type : types) {
            JsonType<?> json = JsonType.of(type);
            Constraint c = Constraint.jsonSchema(json.schema());
            for (int w = 0; w < 50; w++) {
                walk(c).ifPresent(text -> assertInstanceOf(type, json.read(text), text));
            }
        }
    }

    @Test
    void theOracleSaysNo() {
        var oracle = new SchemaOracle("{\"type\": \"object\", \"required\": [\"a\"], \"properties\": {\"a\": {\"format\": \"ipv4\"}}}");
        assertEquals("", oracle.complaint("{\"a\": \"1.2.3.4\"}"));
        assertNotEquals("", oracle.complaint("{}"));
        assertNotEquals("", oracle.complaint("{\"a\": "), "no JSON");
        assertNotEquals("", oracle.complaint("{\"a\": \"1.2.3\"}"));
    }

    /** A text that the masks let through, if it ends. */
    private Optional<String> walk(Constraint c) {
        TokenMask at = c.start(tokenizer);
        var ids = new ArrayList<Integer>();
        while (ids.size() < LONGEST) {
            if (at.mayEnd() && (!at.mayGoOn() || random.nextInt(3) == 0)) {
                return Optional.of(tokenizer.text(ids));
            }
            BitSet allowed = allowed(at);
            assertFalse(allowed.isEmpty(), () -> "nothing follows " + tokenizer.text(ids) + " for " + c);
            if (ids.size() % 16 == 0) {
                assertExact(at, allowed);
            }
            List<Integer> closing = allowed.stream().filter(id -> List.of("\"", "}", "]", "null", "[]").contains(tokenizer.token(id)))
                    .boxed().toList();
            int id = !closing.isEmpty() && random.nextInt(4) <= (ids.size() > LONG ? 2 : 0) ? closing.get(random.nextInt(closing.size()))
                    : allowed.stream().skip(random.nextInt(allowed.cardinality())).findFirst().orElseThrow();
            ids.add(id);
            at = at.after(id);
        }
        return Optional.empty();
    }

    private BitSet allowed(TokenMask mask) {
        long[] bits = new long[Math.ceilDiv(tokenizer.vocabSize(), Long.SIZE)];
        mask.allowed(bits);
        return BitSet.valueOf(bits);
    }

    /** The mask has those tokens that the automaton takes, and no others. */
    private void assertExact(TokenMask mask, BitSet allowed) {
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            int token = id;
            if (allowed.get(id)) {
                mask.after(token);
            } else {
                assertThrows(IllegalArgumentException.class, () -> mask.after(token), () -> tokenizer.token(token));
            }
        }
    }

    @Test
    void specialTokensComeWhereTheirIdsAreWritten() {
        int call = tokenizer.call();
        Constraint c = Constraint.grammar("root ::= [ab]* (<[" + call + "]> [0-9])?");
        TokenMask at = c.start(tokenizer);
        BitSet allowed = allowed(at);
        assertExact(at, allowed);
        assertTrue(allowed.get(call));
        assertTrue(allowed.get('a'));
        assertFalse(allowed.get(0xFF), "the token of a byte that begins the special one's, within");
        assertFalse(allowed.get('0'));
        at = at.after('b').after(call);
        allowed = allowed(at);
        assertExact(at, allowed);
        assertFalse(allowed.get(call));
        assertFalse(allowed.get('a'));
        assertFalse(at.mayEnd());
        assertTrue(allowed.get('7'));
        at = at.after('7');
        assertTrue(at.mayEnd());
        assertFalse(at.mayGoOn());
        assertFalse(allowed(Constraint.regex("[^a]*").start(tokenizer)).get(call), "no text has it");
    }

    @Test
    void idsOfOtherTokensAreRefused() {
        for (int id : new int[] {'a', tokenizer.vocabSize(), 1_000_000}) {
            Constraint c = Constraint.grammar("root ::= <[" + id + "]>");
            String said = assertThrows(IllegalArgumentException.class, () -> c.start(tokenizer)).getMessage();
            assertTrue(said.contains("<[" + id + "]>: the vocabulary"), said);
        }
    }
}
