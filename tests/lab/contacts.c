/* A contact to ground is stronger than a chip's own pull-up. gpio-sim does not know that: who claims an input with a pull-up
 * there overrules the test that plays the contact. So, loaded before the C library, this leaves the pulls to the test.
 * gpio-sim's line is low then while the contact is closed (pull-down), and high while it is open (pull-up). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/gpio.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ioctl.h>

#define BIASES (GPIO_V2_LINE_FLAG_BIAS_PULL_UP | GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN | GPIO_V2_LINE_FLAG_BIAS_DISABLED)

static void strip(struct gpio_v2_line_config *config)
{
	config->flags &= ~(__u64)BIASES;
	for (__u32 i = 0; i < config->num_attrs && i < GPIO_V2_LINE_NUM_ATTRS_MAX; i++)
		if (config->attrs[i].attr.id == GPIO_V2_LINE_ATTR_ID_FLAGS)
			config->attrs[i].attr.flags &= ~(__u64)BIASES;
}

int ioctl(int descriptor, unsigned long request, ...)
{
	static int (*real)(int, unsigned long, void *);
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (real == NULL)
		real = (int (*)(int, unsigned long, void *))dlsym(RTLD_NEXT, "ioctl");
	if (request == GPIO_V2_GET_LINE_IOCTL)
		strip(&((struct gpio_v2_line_request *)argument)->config);
	else if (request == GPIO_V2_LINE_SET_CONFIG_IOCTL)
		strip(argument);
	return real(descriptor, request, argument);
}
