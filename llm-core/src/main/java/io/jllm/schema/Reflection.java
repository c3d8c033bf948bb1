package io.jllm.schema;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Optional;

/** Looks into classes of users: what is annotated, and what can be called. */
final class Reflection {
    private Reflection() {
    }

    static MethodHandle constructor(Class<?> c, RecordComponent[] components, String where) {
        try {
            Constructor<?> constructor = c.getDeclaredConstructor(Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            open(constructor, c, where);
            return MethodHandles.lookup().unreflectConstructor(constructor);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the record " + c.getName() + " has no constructor that can be called", e);
        }
    }

    static MethodHandle accessor(Method accessor, String where) {
        try {
            open(accessor, accessor.getDeclaringClass(), where);
            return MethodHandles.lookup().unreflect(accessor);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(accessor + " cannot be called", e);
        }
    }

    /**
     * Makes something of a user's class callable from here.
     *
     * @throws UnsupportedTypeException if its module does not let us; the message says what to write in it
     */
    static void open(AccessibleObject member, Class<?> of, String where) {
        try {
            member.setAccessible(true);
        } catch (InaccessibleObjectException e) {
            String here = Reflection.class.getModule().isNamed() ? " to " + Reflection.class.getModule().getName() : "";
            throw Shapes.unsupported(of, where, "is in a package that its module does not open" + here + ": write \"opens " + of.getPackageName() + here
                    + ";\" in the module-info.java of " + of.getModule().getName());
        }
    }

    static String nameOf(AnnotatedElement element, String own) {
        var name = element.getAnnotation(Name.class);
        if (name != null && name.value().isBlank()) {
            throw new UnsupportedTypeException("@Name of " + own + " is blank: give it a name");
        }
        return name == null ? own : name.value();
    }

    static Optional<String> description(AnnotatedElement element) {
        return Optional.ofNullable(element.getAnnotation(Description.class)).map(Description::value);
    }
}
